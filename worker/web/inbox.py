"""Shares with every way in the settings, the ledger that answers at once or not at all, and the bell."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from config.settings import Settings
from connectors.telemetry import step
from worker.ledger.intake.intake import Announced, AnnouncedPost, Intake
from worker.ledger.journal.figures import WorkName
from worker.ledger.run import Run
from worker.ledger.scripts import LedgerUnavailableError
from worker.web.bodies import Bodies, RefusedError
from worker.web.post_batches import ANSWER_S, PostBatches
from worker.web.rarely import Rarely

MOST_POSTS = 1_024  # of proved senders, on their way into the ledger; more are asked to come again
log = structlog.get_logger(__name__)

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


class Bell:
    """Rings fill for the works that got records, each at most once in a while: the tick rings too, a little later."""

    REST_S = 0.05

    def __init__(self, ring: Callable[[str], Awaitable[object]]) -> None:
        self._ring = ring
        self._works: set[WorkName] = set()
        self._task: asyncio.Task[None] | None = None

    def ring(self, works: Iterable[WorkName]) -> None:
        """Rings soon; never in the way of an answer."""
        self._works.update(works)
        if self._works and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ring_all(), name="bell")

    async def _ring_all(self) -> None:
        while self._works:
            crm, kind = self._works.pop()
            await self._ring(f"{crm}.{kind}")
            await asyncio.sleep(self.REST_S)

    async def aclose(self) -> None:
        """Ring no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class Places:
    """Bounds the requests of proved senders on their way into the ledger; each takes a place while its block runs.

    Raises:
        RefusedError: all ``most`` are taken.
    """

    def __init__(self, most: int) -> None:
        self._free = most

    def __enter__(self) -> None:
        if not self._free:
            raise RefusedError(503, "busy")
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1


class Inbox:
    """Takes input from outside into the ledger. ``clock`` gives ms."""

    def __init__(
        self,
        settings: Settings,
        intake: Intake,
        bell: Bell,
        clock: Callable[[], int],
        bodies: Bodies | None = None,
    ) -> None:
        self.settings, self.intake, self.bell, self.clock = settings, intake, bell, clock
        self.bodies = bodies or Bodies()
        self.log: structlog.typing.FilteringBoundLogger = log.bind()  # every post would bind it again
        self._gathering, self._links = PostBatches(intake, self._run_of), intake.links
        self.places = Places(MOST_POSTS)
        self._refused = Rarely()
        self.refusals: Counter[tuple[str, str]] = Counter()  # by door and reason, for /metrics

    def route(self, path: str, handler: Handler, *methods: str) -> Route:
        """Returns a route whose handler may raise ``RefusedError``; of a request only the endpoint is logged."""
        return Route(path, _Entrance(self, path, handler), methods=methods or ("POST",))

    def refused(self, door: str, error: Exception) -> Response:
        """Counts a refusal, or that the ledger did not take it in time; returns the answer to the sender."""
        refused = error if isinstance(error, RefusedError) else RefusedError(503, "unavailable")
        self.refusals[door, refused.reason] += 1
        if posts := self._refused.due(door, refused.reason):
            log.warning("webhook.refused", door=door, reason=refused.reason, status=refused.status, posts=posts)
        return refused.response()

    async def take(self, rows: Mapping[WorkName, Sequence[Announced]], mark: str = "") -> None:
        """Puts all rows of a post into the work, in one step, or raises an error within a second.

        ``mark`` identifies a signed post (``mark_of``): a second one with the same mark changes nothing.

        Raises:
            RefusedError: too many are on their way.
            LedgerUnavailableError, TimeoutError: the sender must not take them for taken.
        """
        if not rows:
            return
        post = AnnouncedPost(rows, mark)
        with self.places, step("webhook", records=post.count) as taking:
            for (crm, kind), of in rows.items() if taking.name else ():
                await within(self._links.keep(crm, kind, (one.id for one in of), taking.name))
            await self._gathering.announce(post)
        self.bell.ring(rows)

    def _run_of(self, crm: str) -> str:
        """Returns a crm's run of the day."""
        return Run.of_day(crm, self.settings.budget_zone, self.clock()).name

    async def aclose(self) -> None:
        """Take nothing more."""
        await self._gathering.aclose()
        await self.bell.aclose()


class _Entrance:
    """Answers the requests of one path; its own application, so that nothing is between router and handler."""

    def __init__(self, inbox: Inbox, path: str, handler: Handler) -> None:
        self._inbox, self._handler = inbox, handler
        self._door = path.partition("{")[0].strip("/").replace("/", ".")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._handler(Request(scope, receive))
        except (RefusedError, LedgerUnavailableError, TimeoutError) as error:
            response = self._inbox.refused(self._door, error)
        await response(scope, receive, send)


async def within(step: Awaitable[T]) -> T:
    """Returns the result of a ledger step, or raises an error within a second."""
    async with asyncio.timeout(ANSWER_S):
        return await step


def mark_of(*signed: str | bytes) -> str:
    """Names a signed post: a digest of the parts that make it this one."""
    digest = hashlib.sha256()
    for part in signed:
        bytes_of = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(bytes_of) + bytes_of)
    return digest.hexdigest()[:32]


def same_secret(given: str, secrets: Iterable[SecretStr]) -> bool:
    """Tells whether ``given`` is one of ``secrets``; all are compared, in constant time."""
    got, good = given.encode("utf-8", "surrogateescape"), False
    for secret in secrets:
        good |= hmac.compare_digest(got, secret.get_secret_value().encode())
    return good


def is_bearer(request: Request, secrets: Iterable[SecretStr]) -> bool:
    """Returns whether the request carries one of ``secrets`` as its bearer token."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and same_secret(given.strip(), secrets)


def watched_kinds(settings: Settings, crm: str) -> frozenset[str]:
    """Returns the objects of a crm whose records are visited."""
    return frozenset(settings.crm[crm].objects())


KNOWN_MS, UNKNOWN_MS = 60_000, 1_000
READ_S = 0.1  # the sender gets an answer within a second, whatever Redis does


class Remembered:
    """Remembers one text per crm, stored by the worker that opened it, so that no post waits for it more than once.

    It is kept for a minute, or for a second while there is none. ``clock`` gives ms.
    """

    def __init__(self, read: Callable[[str], Awaitable[str]], clock: Callable[[], int]) -> None:
        self._read, self._clock = read, clock
        self._known: dict[str, str] = {}
        self._until: dict[str, int] = {}

    async def of(self, crm: str) -> str:
        """Returns the text of a crm; ``""`` while nobody has stored it, or Redis does not answer."""
        now = self._clock()
        if now >= self._until.get(crm, 0):
            self._until[crm] = now + UNKNOWN_MS  # others do not wait for the same read
            try:
                async with asyncio.timeout(READ_S):
                    self._known[crm] = await self._read(crm)
            except (LedgerUnavailableError, TimeoutError):
                return self._known.get(crm, "")
            if self._known[crm]:
                self._until[crm] = now + KNOWN_MS
        return self._known.get(crm, "")
