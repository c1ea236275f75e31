"""Takes HubSpot's webhooks: signed posts of up to 100 events, for one crm or routed by portal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.crms import HubSpotSettings
from config.settings import Settings
from connectors.hubspot import events as hubspot
from connectors.hubspot.events import Event, Kind, Marks, What, number, written_by
from connectors.hubspot.records import ALWAYS
from worker.ledger.intake.intake import Announced
from worker.ledger.journal.figures import WorkName
from worker.service.policy import policy
from worker.web.bodies import RefusedError, prove, shallow
from worker.web.inbox import Inbox, Remembered, mark_of

_DATED = frozenset({Kind.CREATION, Kind.CHANGE})  # others leave the record's own stamp alone: they always count
_OURS_TOO = frozenset({Kind.MERGE, Kind.DELETION, Kind.ERASURE})  # whoever did it
_NEVER = frozenset({"hs_object_id", "lastmodifieddate"})  # read with every record, and decided by in none
MOST_KNOWN, MOST_MARK = 4_096, 256  # of the common parts of a portal's events, and characters of each part
_SIGNATURE, _TIMESTAMP = hubspot.SIGNATURE.encode(), hubspot.TIMESTAMP.encode()
TAKEN = Response(status_code=204)
log = structlog.get_logger(__name__)


class PostSummary(Struct, frozen=True):
    """Holds the result of a post: the records to look at, and how many events are foreign or unreadable."""

    rows: dict[WorkName, list[Announced]]
    unread: int = 0


class _Ruling(Struct, frozen=True):
    what: What | None
    counts: bool = False
    is_dated: bool = False
    erases: bool = False


class Portal:
    """Decides which of one portal's events count."""

    def __init__(self, name: str, settings: HubSpotSettings, properties: Mapping[str, frozenset[str]]) -> None:
        self.name, self.settings = name, settings
        self.secrets = [secret.get_secret_value() for secret in settings.webhook_secret]
        self._properties, self._portal_id = properties, settings.portal_id or 0
        self._own = written_by(settings.app_id) if settings.app_id else ""
        self._known: dict[Marks, _Ruling] = {}

    @classmethod
    def of(cls, name: str, crm: HubSpotSettings, settings: Settings) -> Portal:
        """Returns the portal with the properties that its visits decide by."""
        properties = {}
        if crm.watch.contact is not None:
            names = policy(name, crm, "contact", crm.watch.contact, settings.providers).properties
            properties["contact"] = frozenset(names) | (frozenset(ALWAYS["contact"]) - _NEVER)
        return cls(name, crm, properties)

    def pin(self, portal_id: int) -> None:
        """Returns the portal's id; 0 while nobody has asked for it."""
        if portal_id != self._portal_id:
            self._portal_id = portal_id
            self._known.clear()

    def counts(self, what: What) -> bool:
        """Tells whether a record must be looked at because of it."""
        wanted = self._properties.get(what.object)
        if wanted is None or (what.kind is Kind.CHANGE and what.property not in wanted):
            return False
        if what.portal_id != self._portal_id and what.portal_id and self._portal_id:
            return False
        return what.writer != self._own or what.kind in _OURS_TOO

    def _rule(self, event: Event, marks: Marks) -> _Ruling:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        what = event.what
        ruling = _Ruling(None)
        if what is not None:
            ruling = _Ruling(what, self.counts(what), what.kind in _DATED, what.kind is Kind.ERASURE)
        if all(len(one) <= MOST_MARK for one in marks if isinstance(one, str)):
            self._known[marks] = ruling
        return ruling

    def seen(self, events: Sequence[Event]) -> PostSummary:
        """Returns the records that the events speak of, each once."""
        found: dict[str, dict[str, Announced]] = {}
        known, unread = self._known, 0
        for event in events:  # a hundred times a post: what events have in common is decided once
            ruling = known.get(marks := event.marks) or self._rule(event, marks)
            what = ruling.what
            if what is None:
                unread += 1
                continue
            if not ruling.counts:
                continue
            ids: Sequence[str]
            if what.is_of_one:  # nearly all
                id = number(event.object_id)
                ids = (str(id),) if id else ()
            else:
                ids = event.ids(what)
            unread += not ids
            group = found.get(what.object)
            if group is None:
                group = found[what.object] = {}
            at = number(event.occurred_at) if ruling.is_dated else 0
            for one in ids:
                row = Announced(one, at, ruling.erases)
                group[one] = _both(group[one], row) if one in group else row
        return PostSummary({(self.name, kind): list(group.values()) for kind, group in found.items() if group}, unread)


def _both(known: Announced, row: Announced) -> Announced:
    """Returns two events of one record: the later stamp, unless one has none and so always counts."""
    stamp = max(known.stamp, row.stamp) if known.stamp and row.stamp else 0
    return Announced(known.id, stamp, known.erase or row.erase)


PATH = "/webhooks/hubspot"


def hubspot_paths(settings: Settings) -> list[str]:
    """Returns the paths that portals post to."""
    return [f"{PATH}/{name}" for name, crm in settings.crm.items() if isinstance(crm, HubSpotSettings)]


def hubspot_routes(inbox: Inbox, accounts: Remembered) -> list[Route]:
    settings = inbox.settings
    portals = {
        name: Portal.of(name, crm, settings) for name, crm in settings.crm.items() if isinstance(crm, HubSpotSettings)
    }

    async def one(request: Request) -> Response:
        portal = portals.get(request.path_params["crm"])
        if portal is None or not portal.secrets:
            raise RefusedError(404, "unknown")
        body, mark, _ = await _signed(inbox, request, [portal])
        if not portal.settings.portal_id:
            portal.pin(number(await accounts.of(portal.name)))
        seen = _seen(body, [portal])
        del body  # as large as a post may be, and a thousand may wait for the ledger
        return await _taken(inbox, seen, mark)

    async def by_portal(request: Request) -> Response:
        known = [portal for portal in portals.values() if portal.secrets and portal.settings.portal_id]
        if not known:
            raise RefusedError(404, "unknown")
        body, mark, good = await _signed(inbox, request, known)
        seen = _seen(body, good)
        del body
        return await _taken(inbox, seen, mark)

    return [inbox.route(f"{PATH}/{{crm}}", one), inbox.route(PATH, by_portal)]


async def _signed(inbox: Inbox, request: Request, portals: Sequence[Portal]) -> tuple[bytes, str, list[Portal]]:
    """Returns the body, the post's mark, and those of ``portals`` whose secret signed it.

    Raises:
        RefusedError: nobody's did, or it is too old or too new.
    """
    head = dict(request.scope["headers"])
    given, stamp = head.get(_SIGNATURE, b"").decode("latin-1"), head.get(_TIMESTAMP, b"").decode("latin-1")
    if not hubspot.has_form(given):
        raise RefusedError(401, "signature")  # the older schemes, which anybody could repeat, are not looked at
    if not hubspot.is_timely(stamp, inbox.clock()):
        raise RefusedError(401, "timestamp")
    body = await inbox.bodies.read(request, "application/json")
    uri = inbox.settings.web.origin + request.scope["raw_path"].decode("ascii", "replace")
    if query := request.scope["query_string"]:
        uri += "?" + query.decode("ascii", "replace")
    good = [one for one in portals if hubspot.is_signed(one.secrets, given, "POST", uri, body, stamp)]
    if not good:
        raise RefusedError(401, "signature")
    prove(request)
    return body, mark_of(given), good  # a signature is over address, body and time: of this post only


def _seen(body: bytes, portals: Sequence[Portal]) -> PostSummary:
    """Returns what a body comes to for the portals that signed it.

    Raises:
        RefusedError: it holds no events.
    """
    shallow(body)
    try:
        sent = hubspot.events(body)
    except ValueError:
        raise RefusedError(400, "not_events") from None
    rows: dict[WorkName, list[Announced]] = {}
    unread = 0
    for portal in portals:
        mine = sent
        if len(portals) > 1:
            mine = [one for one in sent if number(one.portal_id) == portal.settings.portal_id]
        seen = portal.seen(mine)
        rows |= seen.rows
        unread += seen.unread
    return PostSummary(rows, unread)


async def _taken(inbox: Inbox, seen: PostSummary, mark: str) -> Response:
    await inbox.take(seen.rows, mark)
    if seen.unread:
        log.info("webhook.unread", door="webhooks.hubspot", events=seen.unread)
    inbox.log.debug("webhook.accepted", door="webhooks.hubspot", records=sum(map(len, seen.rows.values())))
    return TAKEN
