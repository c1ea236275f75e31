"""The auditor's word on two batches about one row in one process: each is judged by what it has read itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

import pytest

from connectors.batching import Batcher
from sandbox.hubspot.auth import Credentials
from tests.simulation.audit import Auditor
from tests.simulation.loop import PROCESS, Process, VirtualLoop
from tests.simulation.ports import Plan, Ports
from tests.simulation.seams import START
from tests.simulation.store import Store
from tests.simulation.wire import Net
from tests.simulation.world import portal_scene

Steps = Sequence[tuple[float, str]]  # when a call leaves (s), and which; each is answered within 0.7 s
URL = "https://api.hubapi.com/crm/objects/2026-09/contacts/batch/"
READ, WRITE = "read", "update"


def judged(*batches: Steps, typed_at: float = 0.0) -> list[str]:
    """Returns what the auditor says of batches that are under way together, and of somebody who types meanwhile."""
    loop, scene = VirtualLoop(1, START), portal_scene(0)
    vars(scene.vendors["hubspot"].clock).update(wall=loop.time, monotonic=loop.time)
    net = Net(Ports(loop, 1, Plan()), scene.vendors)
    contact = next(id_ for id_, values in scene.living("contacts") if not values.get("city"))
    headers = {"authorization": f"Bearer {Credentials().token}"}

    async def send(batch: Sequence[Steps]) -> Mapping[str, str]:
        for at, action in batch[0]:
            await asyncio.sleep(START + at - loop.time())
            row = {"id": contact, "properties": {"city": f"Ours of {at}"}}
            body = json.dumps({"inputs": [row], "properties": ["city"]}, separators=(",", ":")).encode()
            call = net.exchange("hubspot", "POST", URL + action, headers, body)
            answer, _ = await asyncio.create_task(call)  # of its own, as the product's calls are
            assert answer.status == 200
        return {"": ""}

    async def all_of_them() -> None:
        if typed_at:
            loop.call_later(typed_at, scene.type, contact, "city", "Typed")
        PROCESS.set(Process("worker"))
        asks = [Batcher[Steps, str]("hubspot", "write", send, lambda _: "", 1).ask(one) for one in batches]
        await asyncio.gather(*asks)

    loop.run_until_complete(all_of_them())
    loop.close()
    audit = Auditor(Store(), net, scene, {})
    audit.writes()
    audit.rereads()
    return audit.found


def test_two_batches_that_both_read_may_both_write() -> None:
    assert not judged([(0, READ), (1.0, WRITE)], [(0.1, READ), (1.1, WRITE)])


@pytest.mark.parametrize(
    "batches",
    [
        ([(0, READ), (1.0, WRITE), (1.9, WRITE)],),
        ([(0, READ), (1.0, WRITE), (1.9, WRITE)], [(0.1, READ)]),
        ([(1.0, WRITE)], [(0, READ)]),
        ([(0, READ), (2.1, WRITE)], [(1.0, READ)]),
    ],
    ids=["repeated", "repeated beside a read", "read by another batch", "read too long ago"],
)
def test_no_read_of_another_batch_makes_a_write_fresh(batches: Sequence[Steps]) -> None:
    assert len(judged(*batches)) == 1


def test_an_edit_is_lost_to_a_batch_that_could_not_have_seen_it() -> None:
    assert not judged([(0, READ), (1.5, WRITE)], [(0.8, READ)], typed_at=0.75)


def test_no_edit_is_lost_to_a_batch_that_could_have_seen_it() -> None:
    (told,) = judged([(0, READ)], [(0.8, READ), (1.6, WRITE)], typed_at=0.75)

    assert "city overwritten" in told
