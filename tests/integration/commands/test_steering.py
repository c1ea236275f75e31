"""Vendors and CRMs whose every text steers a terminal: no command shows it, and ``--json`` keeps it.

That nothing steers is looked at wherever a command runs, see ``tests.harness.installation``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.steering import TEXTS
from tests.harness import installation
from tests.harness.installation import Refill
from tests.harness.steering import steering
from tests.integration.commands.byhand import Hand
from tests.integration.commands.test_hand_operations import FORAGER, KASPR, OPENPROSPECT, V2_ONLY
from worker.decide.values.reading import COMPARED, READERS

ENDS = {0, 1, 2, 3, 4}
PROVIDERS = {"forager": FORAGER, "kaspr": KASPR, "openprospect": OPENPROSPECT}
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))]
FIELDS = """\
fields.work_email = { property = "email" }
fields.job_title = { property = "jobtitle", write = "always" }
fields.city = { property = "city", write = "always" }
"""
CONTACT = ("acme_hubspot", "contact")


def steers(value: object) -> bool:
    return bool(steering(json.dumps(value, ensure_ascii=False)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_command_by_hand_shows_what_steers(hand: Hand, provider: str, seed: int) -> None:
    kept = 0
    for place, (operation, made) in enumerate(PROVIDERS[provider].items()):
        if operation in V2_ONLY:
            continue
        command = await made(hand)
        hand.vendor(provider).fault("steering_texts", params={"seed": seed + place, "share": 0.6})
        assert (await hand.refill(*command)).code in ENDS
        told = await hand.refill(*command, "--json")
        assert told.code in ENDS
        if told.code == 0:
            kept += steers(told.json)
        hand.vendor(provider).calm()
    assert kept or seed > 1, "nothing that steers came as far as the output"


def spoil(refill: Refill) -> None:
    """Every contact of the portal has a title and lives in a place that steers."""
    portal = refill.vendors["hubspot"]
    rows: list[dict[str, Any]] = portal.control("records/contacts")
    for place, row in enumerate(rows):
        steered = TEXTS[place % len(TEXTS)]
        values = {"jobtitle": f"{steered}Head of [/b]{steered}", "city": f"Z{steered}"}
        portal.control("edit", {"object": "contacts", "id": row["id"], "properties": values})


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_command_over_records_shows_what_steers(hand: Hand, fresh: Refill, seed: int) -> None:
    fresh.set(REFILL_REDIS__URL=hand.refill.secrets["REFILL_REDIS__URL"])
    fresh.change('kind = "hubspot"', 'kind = "hubspot"\nmode = "review"')
    fresh.change("[crm.acme_hubspot.watch.contact]", f"[crm.acme_hubspot.watch.contact]\n{FIELDS}")
    spoil(fresh)
    for name in ("forager", "kaspr", "openprospect"):
        fresh.vendors[name].fault("steering_texts", params={"seed": seed, "share": 0.1})
    assert (await fresh("sync", "--full", "--patience", "5")).code in ENDS
    for name in ("hubspot", "salesforce"):
        fresh.vendors[name].fault("steering_texts", params={"seed": seed, "share": 0.2})
    assert (await fresh("sync", "--patience", "5")).code in ENDS
    proposed = (await fresh("review", "list", "--json")).json
    assert any(steers(one) for one in proposed), "no proposal holds what steers"
    for words in (
        ("review", "list"),
        ("explain", *CONTACT, proposed[0]["id"]),
        ("dead", "list"),
        ("uncertain", "list"),
        ("status",),
        ("check",),
        ("setup", "acme_hubspot", "--yes"),
        ("reconcile",),
        ("review", "approve", *CONTACT, proposed[0]["id"], "[/b]\x1b[31m"),
        ("pause", "acme_hubspot", "--why", "\x1b[31m[/b]\u202e"),
        ("status",),
        ("status", "--json"),
        ("resume", "acme_hubspot"),
    ):
        ended = await fresh(*words)
        assert ended.code in ENDS, words
        assert "No such" not in ended.err, words


@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_value_that_steers_is_read_without_showing_it(kind: str) -> None:
    for text in TEXTS:
        given = [f"{text}ada@acme.example{text}", "+1 212 555 0199"][: 2 if kind in COMPARED else 1]
        for words in (["read", kind, *given], ["read", kind, *given, "--json"]):
            assert installation.run(words).code in ENDS
