"""A value that the CRM calls bad is told once, never written again, and asked of the next provider."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.harness.until import until
from tests.integration.scene import CRM, KIND, Scene
from tests.integration.scenery import Open, stage
from worker.decide.handles import of_value
from worker.decide.kept import own_values
from worker.decide.odds import odds_of
from worker.decide.scorecard import scorecard

__all__ = ["stage"]
BAD = 'bad.contact.work_email = { hs_email_hard_bounce_reason_enum = ["UNKNOWN_USER"] }'
VERDICT = "refill_verdict"  # a property of the customer's own
WRONG = "\n".join(
    f'bad.contact.{name} = {{ {VERDICT} = ["wrong {name}"] }}'
    for name in ("work_email", "personal_email", "mobile_phone")
)
THREE = (
    'fields.work_email = { property = "email", from = ["forager"], accept = ["valid", "risky", "unverified"] }\n'
    'fields.personal_email = { property = "private_email", accept = ["valid", "risky", "unverified"] }\n'
    'fields.mobile_phone = { property = "mobilephone", from = ["forager"] }'
)
NUMBER = 'fields.phone = { property = "phone", from = ["forager", "kaspr"] }'
WRONG_NUMBER = f'bad.contact.phone = {{ {VERDICT} = ["wrong number"] }}'
BOTH = (
    'fields.work_email = { property = "email", from = ["forager", "kaspr"], accept = ["valid", "risky", "unverified"] }'
)


def bounced(scene: Scene, id: str, reason: str = "UNKNOWN_USER") -> None:
    table = scene.portal.tables["contacts"]
    scene.portal.bounce(table, table.records[int(id)], reason)


def told(scene: Scene) -> list[dict[str, Any]]:
    return list(scene.vendors["forager"].account.feedbacks)


def with_two_addresses(scene: Scene) -> str:
    """A row of whose person Forager and Kaspr have different work addresses."""
    fit = [one for one in scene.blank() if one.person.kaspr.known and one.person.kaspr.work_email and one.company]
    own = [one for one in fit if one.person.kaspr.work_email not in dict(one.person.forager.work_emails)]
    return scene.id(next(iter(own or fit)))


async def test_a_hard_bounce_is_told_once_and_the_next_provider_is_asked(stage: Open) -> None:
    scene = await stage(crm=BAD, fields=BOTH)
    worker, id = await scene.worker(), with_two_addresses(scene)
    await worker.visit(id)
    first = scene.email(id)
    assert "@" in first

    bounced(scene, id, "")  # for a while only
    await worker.visit(id)
    assert (scene.email(id), told(scene)) == (first, [])
    assert not scene.asked("kaspr", "profile")

    bounced(scene, id)
    await worker.visit(id)
    (feedback,) = told(scene)
    assert (feedback["kind"], feedback["email"], feedback["contact_status"]) == ("work_emails", first, "invalid")
    assert scene.asked("kaspr", "profile") == 1
    second = scene.email(id)

    # the mark of the first address stands in the portal: it is no word on the second, and nothing is told twice
    await worker.visit(id)
    assert (scene.email(id), len(told(scene)), scene.asked("kaspr", "profile")) == (second, 1, 1)
    own = own_values((await scene.memory(id)).own)["work_email"]
    assert len(own.bad) == 1

    entries = [json.loads(one.entry) for one in await scene.ledger.journal.entries(CRM, KIND, id)]
    (evidence,) = [one for one in entries if one.get("signal") == "bad_value"]
    assert (evidence["provider"], evidence["field"], evidence["after"]) == ("forager", "work_email", first)
    assert evidence["question"]
    odds = odds_of(await worker.runtime.lookups.yields.counted())
    (row,) = [one for one in scorecard(odds) if (one.provider, one.field, one.country) == ("forager", "", "")]
    assert row.bounced == 1
    await scene.accounted()


async def test_a_bounce_of_a_persons_own_address_is_none_of_ours(stage: Open) -> None:
    scene = await stage(crm=BAD, fields=BOTH)
    worker, id = await scene.worker(), with_two_addresses(scene)
    scene.edit(id, email="typed@example.com")
    bounced(scene, id)
    await worker.visit(id)
    assert (scene.email(id), told(scene), scene.bill()) == ("typed@example.com", [], 0)


@pytest.mark.parametrize("script", ["work_settle", "creation_end"])
async def test_a_worker_that_dies_while_it_tells_tells_nothing_twice(stage: Open, script: str) -> None:
    scene = await stage(crm=BAD, fields=BOTH)
    worker, id = await scene.worker(), with_two_addresses(scene)
    await worker.visit(id)
    await worker.die()
    bounced(scene, id)
    await scene.due(id)
    await scene.dies(before=script)
    await scene.time_passes()
    await (await scene.worker()).visit()
    assert len(told(scene)) == 1


def defined(scene: Scene) -> None:
    from sandbox.hubspot.properties import Property

    table = scene.portal.tables["contacts"]
    for name in (VERDICT, "private_email"):
        table.define(Property(name, group="contactinformation"))


def held(scene: Scene, id: str, property: str) -> str:
    return str(scene.portal.tables["contacts"].records[int(id)].values.get(property) or "")


def twin(scene: Scene, id: str, **more: str) -> str:
    """Another row of the same person, typed by somebody."""
    from sandbox.hubspot.table import PERSON

    table = scene.portal.tables["contacts"]
    same = ("firstname", "lastname", "hs_linkedin_url", "company")
    values = {name: value for name in same if (value := table.records[int(id)].values.get(name))}
    return str(scene.portal.create(table, {**values, **more}, PERSON).id)


def with_two_numbers(scene: Scene) -> str:
    """A row without a number, of whose person Forager and Kaspr have different ones."""
    for one in scene.vendors["hubspot"].world.rows["hubspot"]:
        known, is_free = one.person, not (one.phone or one.mobile or one.do_not_call or one.opted_out)
        theirs = {"".join(sign for sign in number if sign.isdigit()) for number in known.forager.phones}
        other = "".join(sign for sign in known.kaspr.phone or "" if sign.isdigit())
        if is_free and one.linkedin_url and known.kaspr.known and theirs and other and other not in theirs:
            return scene.id(one)
    raise AssertionError("a larger world is needed")


async def test_what_is_wrong_on_one_row_is_written_on_no_other_that_the_kept_answer_serves(stage: Open) -> None:
    scene = await stage(crm=WRONG_NUMBER, fields=NUMBER)
    defined(scene)
    worker, id = await scene.worker(), with_two_numbers(scene)
    before, beside = id, twin(scene, id)
    await worker.visit(before)
    await worker.visit(beside)
    first = held(scene, before, "phone")
    assert first
    assert held(scene, beside, "phone") == first
    scene.edit(before, **{VERDICT: "wrong number"})
    await worker.visit(before)
    asked = scene.asked("forager", "phone_numbers")

    after = twin(scene, id)
    await worker.visit(after)
    assert held(scene, after, "phone") not in {"", first}
    assert scene.asked("forager", "phone_numbers") == asked  # by its kept answer, or Kaspr's

    # a row that holds it from us is filled anew when it is looked at next; its own portal said nothing
    scene.edit(beside, jobtitle="CTO")
    await worker.visit(beside)
    assert held(scene, beside, "phone") not in {"", first}
    assert len(told(scene)) == 1

    # and taking that change back brings no wrong number back
    entries = await scene.ledger.journal.entries(CRM, KIND, before)
    keys = [one.key for one in entries if json.loads(one.entry).get("before") == first]
    assert keys
    await scene.ledger.work(CRM, KIND).replay(before, "undo-x", undo=keys)
    await worker.visit()
    assert held(scene, before, "phone") not in {"", first}
    states = [json.loads(one.entry).get("state") for one in await scene.ledger.journal.entries(CRM, KIND, before)]
    assert states[-1] == "bad"
    await scene.accounted()


async def test_a_value_that_is_told_wrong_between_decision_and_write_is_not_written(stage: Open) -> None:
    scene = await stage(crm=WRONG_NUMBER, fields=NUMBER)
    defined(scene)
    id = with_two_numbers(scene)
    worker, second = await scene.worker(), twin(scene, id)
    await worker.visit(id)
    first = held(scene, id, "phone")
    assert first
    await worker.die()

    await scene.due(second)
    await scene.dies(before="work_intend")
    written = len(scene.writes())
    scene.hold("hubspot", "*batch/read*")
    await scene.time_passes()
    worker = await scene.worker()
    visiting = worker.visiting()
    await scene.held("hubspot")
    scene.release("hubspot")
    handle = of_value("phone", first)
    assert handle
    await scene.ledger.bad.add([handle], 1)
    await until(lambda: len(scene.writes()) > written, "the write")
    await worker.stopped(visiting)
    assert held(scene, second, "phone") != first


KINDS: dict[str, tuple[str, str, str]] = {
    "work_email": ("email", "work_emails", "email"),
    "personal_email": ("private_email", "personal_emails", "email"),
    "mobile_phone": ("mobilephone", "phone_numbers", "phone_number"),
}


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_a_property_of_the_customers_own_says_what_is_wrong_of_each_kind(stage: Open, name: str) -> None:
    scene = await stage(crm=WRONG, fields=THREE)
    defined(scene)
    property, kind, key = KINDS[name]
    worker = await scene.worker()
    id, first = "", ""
    for row in scene.blank():
        id = scene.id(row)
        await worker.visit(id)
        if first := held(scene, id, property):
            break
    assert first

    scene.edit(id, **{VERDICT: "answered, all is well"})
    await worker.visit(id)
    assert (held(scene, id, property), told(scene)) == (first, [])

    scene.edit(id, **{VERDICT: f"wrong {name}"})
    await worker.visit(id)
    (feedback,) = told(scene)
    status = "disconnected" if name == "mobile_phone" else "invalid"
    assert (feedback["kind"], feedback["contact_status"]) == (kind, status)
    assert feedback[key].lower() == first.lower()
    entries = [json.loads(one.entry) for one in await scene.ledger.journal.entries(CRM, KIND, id)]
    (evidence,) = [one for one in entries if one.get("signal") == "bad_value"]
    (paid,) = [one for one in entries if one["kind"] == "lookup" and one["question"] == evidence["question"]]
    assert evidence["credits"] == paid["credits"] > 0

    # told again, in other words and of another row: no provider hears it twice, and nothing is written
    again = twin(scene, id, **{VERDICT: f"wrong {name}"})
    await worker.visit(again)
    assert held(scene, again, property).lower() != first.lower()
    assert len(told(scene)) == 1
    await scene.accounted()
