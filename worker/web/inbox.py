"""Shares with every way in the settings, the ledger that answers at once or not at all, and the bell."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import structlog
from msgspec import Struct
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.settings import Settings
from connectors.telemetry import step
from worker.ledger.intake.intake import Announced, Intake
from worker.ledger.journal.figures import WorkName
from worker.ledger.run import Run
from worker.ledger.scripts import LedgerUnavailableError
from worker.web.bodies import Bodies, RefusedError
from worker.web.rarely import Rarely

ANSWER_S = 0.9  # whoever posts hears within a second that Redis is away
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


class Inbox:
    """Takes what comes from outside into the ledger. ``clock`` gives ms."""

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
        self.log: structlog.typing.FilteringBoundLogger = log.bind()  # every post would bind it anew
        self._gathering, self._links = PostBatches(intake), intake.links
        self._posts = 0
        self._refused = Rarely()
        self.refusals: Counter[tuple[str, str]] = Counter()  # by door and reason, for /metrics

    def route(self, path: str, handler: Handler, *methods: str) -> Route:
        """Returns a route whose handler may raise ``RefusedError``; of a request only the door it came to is logged."""
        name = path.partition("{")[0].strip("/").replace("/", ".")

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except RefusedError as error:
                refused = error
            except (LedgerUnavailableError, TimeoutError):
                refused = RefusedError(503, "unavailable")
            self.refusals[name, refused.reason] += 1
            if posts := self._refused.due(name, refused.reason):
                log.warning("webhook.refused", door=name, reason=refused.reason, status=refused.status, posts=posts)
            return refused.response()

        return Route(path, guarded, methods=list(methods or ("POST",)))

    @contextmanager
    def place(self) -> Iterator[None]:
        """Yields one of the places on the way into the ledger, for whoever has proved to be a sender of ours.

        Raises:
            RefusedError: all are taken.
        """
        if self._posts >= MOST_POSTS:
            raise RefusedError(503, "busy")
        self._posts += 1
        try:
            yield
        finally:
            self._posts -= 1

    async def take(self, rows: Mapping[WorkName, Sequence[Announced]], mark: str = "") -> None:
        """Puts all rows of a post into the work, in one step, or raises an error within a second.

        ``mark`` is what a signed post is known by (``mark_of``): a second one with the same mark changes nothing.

        Raises:
            RefusedError: too many are on their way.
            LedgerUnavailableError, TimeoutError: the sender must not take them for taken.
        """
        if not rows:
            return
        if mark:
            rows = {work: [Announced(one.id, one.stamp, one.erase, mark) for one in of] for work, of in rows.items()}
        now = self.clock()
        runs = {crm: Run.of_day(crm, self.settings.budget_zone, now).name for crm, _ in rows}
        with self.place(), step("webhook", records=sum(map(len, rows.values()))) as taking:
            for (crm, kind), of in rows.items() if taking.name else ():
                await within(self._links.keep(crm, kind, (one.id for one in of), taking.name))
            await within(self._gathering.announce(rows, runs))
        self.bell.ring(rows)

    async def aclose(self) -> None:
        """Take nothing more."""
        await self._gathering.aclose()
        await self.bell.aclose()


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


MOST_ROWS = 2_000  # of one step, so that none holds Redis for long
ENOUGH_ROWS = 100  # for a step of their own, though one is on its way
MOST_STEPS = 3
Rows = Mapping[WorkName, Sequence[Announced]]


class _Post(Struct, frozen=True):
    rows: Rows
    runs: Mapping[str, str]
    ended: asyncio.Future[None]

    @property
    def count(self) -> int:
        """Tells how many rows."""
        return sum(map(len, self.rows.values()))


class PostBatches:
    """Announces posts: those that arrive while a step is on its way to the disk go there together, in the next one.

    A step is one script and, with ``appendfsync always``, one fsync, whether it holds one post or fifty. Every post is
    answered only when the step that holds it has ended. Where many rows wait, a second step is put together while Redis
    is busy with the first.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._posts: list[_Post] = []
        self._rows = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def announce(self, rows: Rows, runs: Mapping[str, str]) -> None:
        """Return when all of ``rows`` are in the work.

        Raises:
            LedgerUnavailableError: the sender must not take them for taken.
        """
        post = _Post(rows, runs, asyncio.get_running_loop().create_future())
        self._posts.append(post)
        self._rows += post.count
        if not self._tasks or (self._rows >= ENOUGH_ROWS and len(self._tasks) < MOST_STEPS):
            task = asyncio.create_task(self._run(), name="gathering")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await post.ended

    async def _run(self) -> None:
        while posts := self._next():
            rows: dict[WorkName, list[Announced]] = {}
            runs: dict[str, str] = {}
            for post in posts:
                runs |= post.runs
                for work, group in post.rows.items():
                    rows.setdefault(work, []).extend(group)
            failure: Exception | None = None
            try:
                await self._intake.announce(rows, runs)
            except Exception as error:  # noqa: BLE001  # whatever it is, every sender of this step must hear of it
                failure = error
            for post in posts:
                if post.ended.done():  # its sender did not wait
                    continue
                if failure is None:
                    post.ended.set_result(None)
                else:
                    post.ended.set_exception(LedgerUnavailableError(type(failure).__name__))

    def _next(self) -> list[_Post]:
        """Returns posts for one step: at least one, and no more rows than a step may have."""
        taken, rows = 0, 0
        for post in self._posts:
            rows += post.count
            if taken and rows > MOST_ROWS:
                break
            taken += 1
        posts, self._posts = self._posts[:taken], self._posts[taken:]
        self._rows = sum(post.count for post in self._posts)
        return [post for post in posts if not post.ended.done()] or (self._next() if self._posts else [])

    async def aclose(self) -> None:
        """Announce no more; who still waits gets no answer."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for post in self._posts:
            post.ended.cancel()


KNOWN_MS, UNKNOWN_MS = 60_000, 1_000
READ_S = 0.1  # whoever posts hears within a second, whatever Redis does


class Remembered:
    """Remembers one text per crm, stored by the worker that opened it, so that no post waits for it more than once.

    It is kept for a minute, for a second while there is none. ``clock`` gives ms.
    """

    def __init__(self, read: Callable[[str], Awaitable[str]], clock: Callable[[], int]) -> None:
        self._read, self._clock = read, clock
        self._known: dict[str, str] = {}
        self._until: dict[str, int] = {}

    async def of(self, crm: str) -> str:
        """Returns the text of a crm; ``""`` while nobody has stored it, or Redis does not."""
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
