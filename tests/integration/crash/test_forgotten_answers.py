"""Answers bought for a forgotten person go and are not bought again, whatever row asks; others' stay."""

from __future__ import annotations

from sandbox.people import Person
from tests.integration.scene import CRM, KIND, Scene, Worker
from worker.commands.person import Somebody, somebody
from worker.commands.suppress import ValueReading
from worker.decide.mentions import mentions
from worker.ledger.money.answers import Answers
from worker.upkeep.forget import Eraser


def row(scene: Scene, person: Person, **values: str) -> str:
    """A row that says the name and the employer's site of a person, and what else is given."""
    from sandbox.hubspot.table import PERSON

    said = {"firstname": person.first_name, "lastname": person.last_name, "website": person.employer.domain, **values}
    return str(scene.portal.create(scene.portal.tables["contacts"], said, PERSON).id)


async def visited(scene: Scene, worker: Worker, *ids: str) -> int:
    """Returns what visits of rows cost."""
    before = scene.bill()
    await worker.visit(*ids)
    return scene.bill() - before


async def forgotten(worker: Worker, id: str) -> Somebody:
    """``refill forget --record``, to its end."""
    runtime = worker.runtime
    who = await somebody(runtime, [], ValueReading(), (CRM, KIND, id))
    eraser = Eraser(runtime.ledger, runtime.lookups.suppressions, runtime.spool, None)
    ended = await eraser.forget(who.handles, mentions(who.handles), who.refs, who.questions)
    assert ended.is_done
    return who


async def answers(scene: Scene) -> set[str]:
    return {one.operation async for _, one in Answers(scene.ledger.scripts).walk()}


async def test_another_row_of_a_name_alone_does_not_buy_again_who_was_found_by_it(scene: Scene) -> None:
    person = scene.blank()[0].person
    first, second, worker = row(scene, person), row(scene, person), await scene.worker()
    assert (await visited(scene, worker, first), bool(scene.email(first))) == (6, True)

    await forgotten(worker, first)
    assert await answers(scene) == set()
    assert (await visited(scene, worker, second), scene.email(second)) == (0, "")
    assert await answers(scene) == set()


async def test_a_row_of_a_name_alone_finds_nobody_who_was_forgotten_by_their_profile(scene: Scene) -> None:
    known = scene.blank()[0]
    nameless, worker = row(scene, known.person), await scene.worker()
    assert await visited(scene, worker, scene.id(known)) == 5

    await forgotten(worker, scene.id(known))
    assert (await visited(scene, worker, nameless), scene.email(nameless)) == (0, "")
    assert await answers(scene) == set()


async def test_a_row_that_only_bought_answers_tell_as_theirs_is_forgotten_too(scene: Scene) -> None:
    known = scene.blank()[0]
    by_name, worker = row(scene, known.person), await scene.worker()
    assert await visited(scene, worker, by_name) == 6  # the search tells their profile, which their other row bears

    who = await forgotten(worker, by_name)
    assert who.refs == {(CRM, KIND, by_name), (CRM, KIND, scene.id(known))}
    assert (await visited(scene, worker, scene.id(known)), scene.email(scene.id(known))) == (0, "")


async def test_an_answer_about_somebody_else_stays_with_their_record_and_is_not_bought_again(scene: Scene) -> None:
    """Both rows bear the number of an office; it leads to one of the two people."""
    world = scene.vendors["forager"].world
    theirs = next(one.person for one in scene.blank() if world.by_phone.get(one.person.phone) is one.person)
    other = next(one.person for one in scene.blank() if one.person.employer is not theirs.employer)
    first, second = (
        row(scene, other, website="", phone=theirs.phone),
        row(scene, theirs, website="", phone=theirs.phone),
    )
    worker = await scene.worker()
    assert (await visited(scene, worker, first), scene.email(first)) == (15, "")
    assert (await visited(scene, worker, second), bool(scene.email(second))) == (5, True)
    assert await answers(scene) == {"by_phone", "work_emails"}

    await forgotten(worker, first)
    assert await answers(scene) == {"by_phone", "work_emails"}
    third = row(scene, theirs, website="", phone=theirs.phone)
    assert (await visited(scene, worker, third), scene.asked(part="phone_number")) == (0, 1)


async def test_a_privacy_deletion_has_nothing_bought_again_for_another_row(scene: Scene) -> None:
    known = scene.blank()[0]
    by_name, worker = row(scene, known.person), await scene.worker()
    assert await visited(scene, worker, by_name) == 6

    scene.delete(by_name)
    await scene.ledger.erasures.request([(CRM, KIND, by_name)])
    assert await visited(scene, worker, by_name) == 0
    assert await answers(scene) == set()
    assert (await visited(scene, worker, scene.id(known)), scene.email(scene.id(known))) == (0, "")


async def test_an_answer_that_another_row_buys_about_a_forgotten_person_is_not_kept(scene: Scene) -> None:
    """The row bears the number of an office alone, which leads to them."""
    world = scene.vendors["forager"].world
    known = next(one for one in scene.blank() if world.by_phone.get(one.person.phone) is one.person)
    another = row(scene, known.person, website="", phone=known.person.phone)
    worker = await scene.worker()
    assert await visited(scene, worker, scene.id(known)) == 5
    await forgotten(worker, scene.id(known))

    assert (await visited(scene, worker, another), scene.email(another)) == (15, "")
    assert await answers(scene) == set()
    assert (await visited(scene, worker, another), scene.asked(part="phone_number")) == (0, 1)
