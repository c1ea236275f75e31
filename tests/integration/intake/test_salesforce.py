"""Outbound Messages, and signed callouts of a Flow or Apex."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from config.load import load
from config.logs import KNOWN
from tests.integration.intake import senders
from tests.integration.intake.conftest import SECRETS, TOML, Door
from tests.integration.intake.senders import called_out, envelope, notification
from worker.ledger.ledger import Ledger
from worker.web.app import web_app
from worker.web.inbox import KNOWN_MS, UNKNOWN_MS, Remembered

OUTBOUND = f"/webhooks/salesforce/acme_salesforce/{senders.PATH_SECRET}"
CALLOUT = "/webhooks/salesforce/acme_salesforce"
XML = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
ONE, OTHER, LEAD = "0035g00000AbCdEAAV", "0035g00000AbCdFAAV", "00Q5g00000AbCdEEAV"
ENTITY = '<?xml version="1.0"?><!DOCTYPE e [<!ENTITY x "0035g00000AbCdE">]>'


async def test_message_is_acknowledged_once_its_records_are_in_the_work(door: Door) -> None:
    answer = await door.post(OUTBOUND, envelope(notification(ONE), notification(OTHER[:15])), XML)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert "<Ack>true</Ack>" in answer.text
    assert sorted(await door.due("acme_salesforce")) == [ONE, OTHER]


async def test_hundred_notifications_of_several_objects_are_one_message(door: Door) -> None:
    rows = [notification(f"0035g000{at:07d}AAA") for at in range(50)]
    rows += [notification(f"00Q5g000{at:07d}EAA", "Lead") for at in range(49)] + [notification(ONE, "Account")]
    assert (await door.post(OUTBOUND, envelope(*rows), XML)).status_code == 200
    assert len(await door.due("acme_salesforce")) == 50
    assert len(await door.due("acme_salesforce", "lead")) == 49


async def test_wrong_secret_and_wrong_org_are_refused_and_an_unknown_crm_is_not_found(door: Door) -> None:
    body = envelope(notification(ONE))
    assert (await door.post(CALLOUT + "/another", body, XML)).status_code == 403
    assert (await door.post("/webhooks/salesforce/nobody/x", body, XML)).status_code == 404
    assert (await door.post("/webhooks/salesforce/acme_hubspot/x", body, XML)).status_code == 404
    wrong = envelope(notification(ONE), org="00D5g000000Xyz1EAC")
    assert (await door.post(OUTBOUND, wrong, XML)).status_code == 403
    assert await door.due("acme_salesforce") == []


async def test_both_forms_of_the_organization_id_are_one(door: Door) -> None:
    assert (await door.post(OUTBOUND, envelope(notification(ONE), org=senders.ORG[:15]), XML)).status_code == 200


async def test_session_id_is_neither_kept_nor_told(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    await door.post(OUTBOUND, envelope(notification(ONE)), XML)
    await door.post(OUTBOUND, envelope(notification("x")), XML)
    await door.post(CALLOUT + "/another", envelope(notification(ONE)), XML)
    kept = b""
    for key in await door.redis.keys("*"):
        kept += key + (await door.redis.dump(key) or b"")
    told = capsys.readouterr()
    for canary in ("session-canary", "someone@example.com", senders.PATH_SECRET, "/another"):
        assert canary.encode() not in kept
        assert canary not in told.out + told.err


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a",
        b"<a/>",
        envelope(),
        envelope(notification("not an id")),
        envelope(notification(ONE))[:-30],
        envelope(notification(ONE)).decode().encode("utf-16"),
        envelope(notification(ONE), head='<?xml version="1.0" encoding="UTF-7"?>'),
        envelope(notification(ONE), head='<?xml version="1.0" encoding="UTF-16"?>'),
        envelope(notification(ONE), head='<?xml version="1.0"?><!DOCTYPE x>'),
        envelope(notification("&x;"), head=ENTITY),
        envelope(notification(ONE), head='<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
        envelope(
            notification("&x;"), head='<?xml version="1.0"?><!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        ),
        envelope(
            notification("&c;"),
            head='<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        ),
        envelope(notification("&a;" * 1000), head=f'<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "{"x" * 50_000}">]>'),
        envelope(notification("0035g00000<!-- -->AbCdEAAV")),
        envelope(notification("0035g00000<?x y?>AbCdEAAV")),
        envelope(notification("0035g00000<b/>AbCdEAAV")),
        envelope("<n>" * 10_000 + "</n>" * 10_000),
        envelope(*[notification(ONE)] * 101),
        envelope(notification(ONE)) + b"\x00",
    ],
)
async def test_whatever_is_no_plain_message_is_refused(door: Door, body: bytes) -> None:
    before = await door.digest()
    assert (await door.post(OUTBOUND, body, XML)).status_code == 400
    assert await door.digest() == before


US, PERSON = "0055g0000000001AAA", "0055g0000000PERAA2"


async def test_what_our_own_user_wrote_last_is_acknowledged_and_starts_nothing(door: Door) -> None:
    await door.ledger.users.tell("acme_salesforce", US)
    before = await door.digest()
    assert (await door.post(OUTBOUND, envelope(notification(ONE, by=US)), XML)).status_code == 200
    body, headers = called_out({"object": "Lead", "ids": [LEAD], "last_modified_by_id": {LEAD: US}})
    assert (await door.post(CALLOUT, body, headers)).status_code == 204
    assert await door.digest() == before
    rows = [notification(ONE, by=US), notification(OTHER, by=PERSON)]
    assert (await door.post(OUTBOUND, envelope(*rows), XML)).status_code == 200
    assert await door.due("acme_salesforce") == [OTHER]


async def test_while_no_worker_has_told_our_user_everything_is_looked_at(door: Door) -> None:
    await door.ledger.users.tell("another", US)
    assert (await door.post(OUTBOUND, envelope(notification(ONE, by=US)), XML)).status_code == 200
    assert await door.due("acme_salesforce") == [ONE]


async def test_our_user_is_read_once_a_minute_and_once_a_second_while_unknown(door: Door) -> None:
    now = 0
    known = Remembered(door.ledger.users.of, lambda: now)
    assert await known.of("acme") == ""
    await door.ledger.users.tell("acme", US)
    assert await known.of("acme") == ""
    now += UNKNOWN_MS
    assert await known.of("acme") == US
    await door.ledger.users.tell("acme", PERSON)
    now += KNOWN_MS - 1
    assert await known.of("acme") == US
    now += 1
    assert await known.of("acme") == PERSON


# ---- callouts ----------------------------------------------------------------------------------------------------


async def test_signed_callout_brings_its_records_into_the_work(door: Door) -> None:
    body, headers = called_out(
        {"org_id": senders.ORG, "object": "Contact", "event": "changed", "ids": [ONE, OTHER[:15]]}
    )
    assert (await door.post(CALLOUT, body, headers)).status_code == 204
    assert sorted(await door.due("acme_salesforce")) == [ONE, OTHER]
    body, headers = called_out({"object": "Lead", "ids": [LEAD]})
    assert (await door.post(CALLOUT, body, headers)).status_code == 204
    assert await door.due("acme_salesforce", "lead") == [LEAD]


async def test_every_configured_secret_signs_with_or_without_base64(door: Door) -> None:
    plain = base64.b64encode(senders.PATH_SECRET.encode()).decode()
    for key in (senders.KEY, senders.KEY.removeprefix("whsec_"), plain):
        body, headers = called_out({"object": "Contact", "ids": [ONE]}, key=key)
        assert (await door.post(CALLOUT, body, headers)).status_code == 204
    body, headers = called_out({"object": "Contact", "ids": [ONE]}, key=base64.b64encode(b"another").decode())
    assert (await door.post(CALLOUT, body, headers)).status_code == 401


@pytest.mark.parametrize(("ago_s", "status"), [(298, 204), (301, 401), (-298, 204), (-302, 401)])
async def test_callout_counts_within_five_minutes(door: Door, ago_s: float, status: int) -> None:
    body, headers = called_out({"object": "Contact", "ids": [ONE]}, ago_s=ago_s)
    assert (await door.post(CALLOUT, body, headers)).status_code == status


async def test_changed_callout_is_refused_and_leaves_no_trace(door: Door) -> None:
    body, headers = called_out({"object": "Contact", "ids": [ONE]})
    before = await door.digest()
    for at in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[at // 8] ^= 1 << at % 8
        assert (await door.post(CALLOUT, bytes(flipped), headers)).status_code == 401
    for wrong in (
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1," + headers["webhook-signature"][-4:]},
        {"webhook-signature": ""},
    ):
        assert (await door.post(CALLOUT, body, {**headers, **wrong})).status_code == 401
    assert (await door.post(CALLOUT, json.dumps(json.loads(body), indent=1).encode(), headers)).status_code == 401
    assert await door.digest() == before


async def test_callout_of_another_org_is_refused(door: Door) -> None:
    body, headers = called_out({"org_id": "00D5g000000Xyz1EAC", "object": "Contact", "ids": [ONE]})
    assert (await door.post(CALLOUT, body, headers)).status_code == 403


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        {"object": "Contact"},
        {"object": 5, "ids": [ONE]},
        {"object": "Contact", "ids": []},
        {"object": "Contact", "ids": ["x"]},
        {"object": "Contact", "ids": [5]},
        {"object": "Contact", "ids": [ONE] * 201},
        {"object": "Contact", "ids": [ONE], "org_id": 5},
    ],
)
async def test_signed_callout_that_is_not_understood_is_refused(door: Door, told: object) -> None:
    body, headers = called_out(told)
    assert (await door.post(CALLOUT, body, headers)).status_code == 400


async def test_every_org_that_is_not_checked_is_named_at_the_start(redis: Redis, tmp_path: Path) -> None:
    path = tmp_path / "refill.toml"
    path.write_text(TOML.replace(f'org_id = "{senders.ORG}"', ""), "utf-8")
    with capture_logs() as told:
        web_app(Ledger.over(redis), load(path, SECRETS), asyncio.Event())
    unchecked = [one for one in told if one["event"] == "webhook.org_unchecked"]
    assert [one["crm"] for one in unchecked] == ["acme_salesforce"]
    assert set(unchecked[0]) - {"event", "log_level"} <= KNOWN  # or nobody could read it


async def test_callout_about_another_object_is_taken_and_ignored(door: Door) -> None:
    body, headers = called_out({"object": "Opportunity", "ids": [ONE]})
    assert (await door.post(CALLOUT, body, headers)).status_code == 204
    assert await door.due("acme_salesforce") == []
