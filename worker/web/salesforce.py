"""Takes Salesforce's Outbound Messages, and callouts of a Flow or Apex signed after Standard Webhooks."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Sequence

import structlog
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.crms import SalesforceSettings
from connectors.salesforce import messages
from connectors.salesforce.ids import same_id
from connectors.salesforce.messages import Message
from worker.ledger.intake.intake import Announced
from worker.web.bodies import RefusedError, json_of, prove
from worker.web.inbox import Inbox, Remembered, mark_of, same_secret, watched_kinds

_XML = ("text/xml", "application/xml", "application/soap+xml")
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
log = structlog.get_logger(__name__)


def salesforce_routes(inbox: Inbox, users: Remembered, accounts: Remembered) -> list[Route]:
    """Returns ``POST /webhooks/salesforce/{crm}/{secret}`` (SOAP) and ``/webhooks/salesforce/{crm}`` (JSON)."""
    orgs = {name: crm for name, crm in inbox.settings.crm.items() if isinstance(crm, SalesforceSettings)}
    for unchecked in [name for name, org in orgs.items() if org.webhook_secret and not org.org_id]:
        log.warning("webhook.org_unchecked", crm=unchecked, hint="set org_id, so that no other org can post")

    def known(request: Request) -> tuple[str, SalesforceSettings]:
        name = request.path_params["crm"]
        org = orgs.get(name)
        if org is None or not org.webhook_secret:
            raise RefusedError(404, "unknown")
        return name, org

    async def take(name: str, org: SalesforceSettings, message: Message, mark: str = "") -> None:
        """Takes the records of a message into the work; those that we wrote last ourselves are no news."""
        ours = org.org_id or await accounts.of(name)
        if ours and message.organization_id and not same_id(message.organization_id, ours):
            raise RefusedError(403, "org")
        announced = sum(map(len, message.ids.values()))
        if message.writers:
            message = messages.without_echoes(message, await users.of(name))
        echoes = announced - sum(map(len, message.ids.values()))
        kinds = watched_kinds(inbox.settings, name)
        rows = {(name, kind): [Announced(one) for one in ids] for kind, ids in message.ids.items() if kind in kinds}
        await inbox.take(rows, mark)
        records, ignored = sum(map(len, rows.values())), message.ignored
        log.debug("webhook.accepted", door="webhooks.salesforce", records=records, ignored=ignored, echoes=echoes)

    async def outbound(request: Request) -> Response:
        name, org = known(request)
        if not same_secret(request.path_params["secret"], org.webhook_secret):
            raise RefusedError(403, "secret")
        prove(request)
        await take(name, org, _read(messages.outbound, await inbox.bodies.read(request, *_XML)))
        return Response(messages.ACK, media_type="text/xml")

    async def callout(request: Request) -> Response:
        name, org = known(request)
        if not all(request.headers.get(one) for one in _SIGNED):
            raise RefusedError(401, "signature")
        body = await inbox.bodies.read(request, "application/json")
        headers = {one: request.headers[one] for one in _SIGNED}
        if not _is_signed(org.webhook_secret, body, headers):
            raise RefusedError(401, "signature")
        prove(request)
        message = _read(lambda text: messages.callout(json_of(text)), body)
        # By the scheme the id stands for the message, however often it is sent; a sender that never changes its id
        # still gets every other message through.
        await take(name, org, message, mark_of(name, headers["webhook-id"], body))
        return Response(status_code=204)

    return [
        inbox.route("/webhooks/salesforce/{crm}/{secret}", outbound),
        inbox.route("/webhooks/salesforce/{crm}", callout),
    ]


def _read(reader: Callable[[bytes], Message], body: bytes) -> Message:
    try:
        return reader(body)
    except ValueError:
        raise RefusedError(400, "not_a_message") from None


def _is_signed(secrets: Sequence[SecretStr], body: bytes, headers: dict[str, str]) -> bool:
    """Tells whether any secret gave the signature, and the timestamp is within five minutes; all are tried."""
    good = False
    for secret in secrets:
        for key in _keys(secret.get_secret_value()):
            try:
                Webhook(key).verify(body, headers, json_parse=False)
            except (WebhookVerificationError, ValueError):  # the library lets what it cannot split or decode through
                continue
            good = True
    return good


def _keys(secret: str) -> list[bytes]:
    """Returns the keys a secret may stand for.

    Base64 as the scheme writes it, with or without its prefix, or plain text.
    """
    bare = secret.removeprefix("whsec_")
    keys = [secret.encode()]
    with contextlib.suppress(ValueError):
        keys.append(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    return [key for key in keys if key]
