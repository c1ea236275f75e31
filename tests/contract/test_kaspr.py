"""Puts Kaspr's operations in both dialects to the sandbox, over sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from connectors.errors import AccessError, CreditsError, OutcomeUnknownError, RateLimitedError, RejectedError
from connectors.kaspr import operations as op
from connectors.kaspr import read
from connectors.kaspr.client import Kaspr, open_transport
from connectors.kaspr.operations import OPERATIONS
from connectors.kaspr.options import KasprOptions
from connectors.limits import NoLimiter
from connectors.models import Grade, Identity, Outcome, Question
from connectors.transport import Transport
from tests.contract.suite import (
    HANG_S,
    ODD,
    ODDER,
    Case,
    Row,
    check,
    check_good,
    check_miss,
    check_odd,
    route_of,
    table,
)
from tests.contract.wire import HeardLimiter, KeptTicket
from tests.harness.sandbox import Sandbox, Start

NOBODY = "nobody-of-that-name-0000"
Dialect = Literal["reference", "v2"]


class Acquainted(Kaspr):
    """The client, and the one person that the rows below speak of."""

    def __init__(self, transport: Transport, options: KasprOptions, person: dict[str, Any]) -> None:
        super().__init__(transport, options)
        self.person = person


Open = Callable[..., Acquainted]


@pytest.fixture
def sandbox(start_sandbox: Start) -> Sandbox:
    return start_sandbox("kaspr", "--kaspr-dialect", "both")


def somebody(sandbox: Sandbox, **wanted: object) -> dict[str, Any]:
    person: dict[str, Any] = next(
        row
        for row in sandbox.world["people"]
        if row["kaspr"]["known"]
        and row["slug"].isascii()
        and row["kaspr"]["phone"]
        and row["kaspr"]["work_email"]
        and all(row["kaspr"][name] == value for name, value in wanted.items())
    )
    return person


def name_of(person: dict[str, Any]) -> str:
    return f"{person['first_name']} {person['last_name']}"


@pytest.fixture
async def opened(sandbox: Sandbox) -> AsyncIterator[Open]:
    clients: list[Acquainted] = []

    def opener(limiter: HeardLimiter | None = None, read_s: float = 60, **more: Any) -> Acquainted:
        chosen = KasprOptions(**{"api_key": SecretStr(sandbox.info["api_key"]), "base_url": sandbox.base_url, **more})
        clients.append(Acquainted(open_transport(chosen, limiter or NoLimiter(), read_s), chosen, somebody(sandbox)))
        return clients[-1]

    yield opener
    for client in clients:
        await client.aclose()


@pytest.fixture
def kaspr(opened: Open, request: pytest.FixtureRequest) -> Acquainted:
    params = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    hangs = getattr(params.get("case"), "kind", "") == "hang"
    return opened(dialect=params.get("dialect", "reference"), read_s=HANG_S if hangs else 10)


async def looked_up(
    client: Kaspr, slug: str, name: str, ticket: KeptTicket, fields: tuple[str, ...] = ("work_email", "phone")
) -> Any:
    question = Question("kaspr", client.account, "profile", {"id": slug}, 3, name, frozenset(fields))
    return read.profile(await client.ask(question, ticket))


async def pattern(client: Kaspr, domain: str, ticket: KeptTicket) -> Any:
    return read.patterns(await client.ask(client.pattern_question(domain), ticket))


async def employees(client: Kaspr, domain: str, ticket: KeptTicket, limit: int = 5) -> Any:
    return read.employees(await client.ask(client.employees_question(domain, limit), ticket))


def profile(client: Any, ticket: KeptTicket) -> Any:
    return looked_up(client, client.person["slug"], name_of(client.person), ticket)


def no_profile(client: Any, ticket: KeptTicket) -> Any:
    return looked_up(client, NOBODY, "No Body", ticket)


def employer(client: Any) -> str:
    return str(client.person["kaspr"]["work_email"].split("@")[1])


ROWS = (
    Row(op.VERIFY_KEY, lambda c, _: c.verify_key(), bool, "user"),
    Row(op.PROFILE, profile, bool, "", no_profile),
    Row(op.PROFILE_V2, profile, bool, "", no_profile),
    Row(
        op.DOMAIN_PATTERN,
        lambda c, t: pattern(c, employer(c), t),
        bool,
        "patterns",
        lambda c, t: pattern(c, "no-such-domain.example", t),
        (),
    ),
    Row(
        op.DOMAIN_EMPLOYEES,
        lambda c, t: employees(c, employer(c), t, limit=2),
        bool,
        "employees",
        lambda c, t: employees(c, "no-such-domain.example", t),
        (),
    ),
    Row(op.REMAINING_CREDITS, lambda c, _: c.remaining_credits(), lambda v: v.export is not None),
    Row(op.RATE_LIMITS, lambda c, _: c.rate_limits(), lambda v: v.minutely is not None),
)


NEW, OLD = {op.PROFILE_V2, op.REMAINING_CREDITS, op.RATE_LIMITS}, {op.PROFILE}
SPOKEN: dict[Dialect, tuple[Row, ...]] = {
    "reference": tuple(row for row in ROWS if row.operation not in NEW),
    "v2": tuple(row for row in ROWS if row.operation not in OLD),
}
CELLS = [
    pytest.param(dialect, row, id=f"{dialect}-{row.operation.name}") for dialect, rows in SPOKEN.items() for row in rows
]
MISSES = [one for one in CELLS if one.values[1].miss]  # type: ignore[union-attr]  # the row
TROUBLE = [
    pytest.param(dialect, *one.values, id=f"{dialect}-{one.id}", marks=one.marks)
    for dialect, rows in SPOKEN.items()
    for one in table(rows)
]


def test_every_operation_has_its_rows() -> None:
    assert [row.operation for row in ROWS] == list(OPERATIONS)
    assert {name: len(rows) for name, rows in SPOKEN.items()} == {"reference": 4, "v2": 6}


@pytest.mark.parametrize(("dialect", "row"), CELLS)
@pytest.mark.usefixtures("dialect")
async def test_good(sandbox: Sandbox, kaspr: Kaspr, row: Row) -> None:
    await check_good(sandbox, kaspr, row)


@pytest.mark.parametrize(("dialect", "row"), MISSES)
@pytest.mark.usefixtures("dialect")
async def test_miss(sandbox: Sandbox, kaspr: Kaspr, row: Row) -> None:
    await check_miss(sandbox, kaspr, row)


@pytest.mark.parametrize("seeds", [ODD, pytest.param(ODDER, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize(("dialect", "row"), CELLS)
@pytest.mark.usefixtures("dialect")
async def test_odd_reply_is_a_value_or_an_error(sandbox: Sandbox, kaspr: Kaspr, row: Row, seeds: range) -> None:
    await check_odd(sandbox, kaspr, row, route_of(sandbox, row.operation), seeds)


@pytest.mark.parametrize(("dialect", "row", "case"), TROUBLE)
@pytest.mark.usefixtures("dialect")
async def test_trouble(sandbox: Sandbox, kaspr: Kaspr, row: Row, case: Case) -> None:
    await check(sandbox, kaspr, row, case)


# ---- the provider ----------------------------------------------------------------------------------------------


def identity(person: dict[str, Any]) -> Identity:
    return Identity(slug=person["slug"], first_name=person["first_name"], last_name=person["last_name"])


@pytest.mark.parametrize("dialect", ["reference", "v2"])
async def test_an_answer_names_the_person_and_its_cost(sandbox: Sandbox, opened: Open, dialect: Dialect) -> None:
    client = opened(dialect=dialect)
    person = somebody(sandbox, masked=False)
    (offer,) = client.offers({})
    question = offer.question(identity(person))
    assert question is not None
    assert dict(question.arguments) == {"id": person["slug"]}
    answer = client.read(question, await client.ask(question, KeptTicket()))
    charged = sum(charge["credits"] for charge in sandbox.charges())
    assert answer.outcome is Outcome.HIT
    assert answer.credits == charged
    assert 0 < charged <= offer.price
    found = answer.people[0]
    assert found.last_name == person["last_name"]
    assert person["kaspr"]["work_email"] in {row.address for row in found.emails if row.kind == "work"}
    assert found.phones[0].number == person["kaspr"]["phone"].replace(" ", "")


@pytest.mark.parametrize(
    ("verdict", "grade"), [(True, Grade.VALID), (None, Grade.UNVERIFIED)], ids=["checked", "not checked"]
)
async def test_only_the_reference_grades(sandbox: Sandbox, opened: Open, verdict: bool | None, grade: Grade) -> None:
    person = somebody(sandbox, work_email_valid=verdict)
    for dialect, expected in (("reference", grade), ("v2", Grade.UNVERIFIED)):
        client = opened(dialect=dialect)
        question = client.offers({})[0].question(identity(person))
        assert question is not None
        answer = client.read(question, await client.ask(question, KeptTicket()))
        grades = {row.address: row.grade for row in answer.people[0].emails}
        assert grades[person["kaspr"]["work_email"]] is expected


async def test_masked_values_do_not_exist(sandbox: Sandbox, opened: Open) -> None:
    client = opened(dialect="v2")
    masked = somebody(sandbox, masked=True)
    question = client.offers({})[0].question(identity(masked))
    assert question is not None
    body = {"id": masked["slug"], "name": name_of(masked), "dataToGet": ["workEmail", "phone", "directEmail"]}
    reply = await client._transport.send(op.PROFILE_V2, json=body, ticket=KeptTicket())  # more than we ask for
    assert b"*" in reply.body
    person = client.read(question, reply).people[0]
    assert not any("*" in value for value in (*(e.address for e in person.emails), *(p.number for p in person.phones)))


@pytest.mark.parametrize("shape", ["404", "empty", "null", "absent"])
@pytest.mark.parametrize("dialect", ["reference", "v2"])
async def test_each_shape_of_a_miss_is_free(sandbox: Sandbox, opened: Open, dialect: Dialect, shape: str) -> None:
    client = opened(dialect=dialect)
    question = client.offers({})[0].question(Identity(slug=NOBODY, first_name="No", last_name="Body"))
    assert question is not None
    with sandbox.switched(miss=shape):
        answer = client.read(question, await client.ask(question, KeptTicket()))
    assert (answer.outcome, answer.credits) == (Outcome.MISS, 0)
    assert sandbox.charges() == []


@pytest.mark.parametrize("shape", ["402", "200"])
async def test_no_credits_is_released_in_either_shape(sandbox: Sandbox, opened: Open, shape: str) -> None:
    client, ticket = opened(), KeptTicket()
    sandbox.control("balance", {"credits": 0})
    try:
        with sandbox.switched(no_credits=shape), pytest.raises(CreditsError):
            await profile(client, ticket)
    finally:
        sandbox.control("balance", {"credits": 100_000})
    assert ticket.steps == ["sent", "released"]


@pytest.mark.parametrize("items", ["strings", "objects"])
async def test_list_items_may_be_texts_or_objects(sandbox: Sandbox, opened: Open, items: str) -> None:
    client = opened(dialect="v2")
    client.person = somebody(sandbox, masked=False)
    with sandbox.switched(items=items):
        found = await profile(client, KeptTicket())
    assert found.work_emails == (client.person["kaspr"]["work_email"],)
    assert found.phones


@pytest.mark.parametrize(("sent", "wanted"), [("bearer", "raw"), ("raw", "bearer")])
async def test_a_401_names_the_other_form_of_the_key(sandbox: Sandbox, opened: Open, sent: str, wanted: str) -> None:
    client = opened(auth_scheme=sent)
    with sandbox.switched(auth=wanted), pytest.raises(AccessError, match=f'auth_scheme = "{wanted}"'):
        await client.verify_key()
    with sandbox.switched(auth=sent):
        assert await client.verify_key()


async def test_a_redirect_to_another_host_is_not_followed_with_the_key(sandbox: Sandbox, opened: Open) -> None:
    client, ticket = opened(), KeptTicket()
    sandbox.fault("redirect")
    with pytest.raises(AccessError, match="base_url"):
        await profile(client, ticket)
    assert ticket.steps == ["sent", "released"]
    assert len(sandbox.requests()) == 1


async def test_a_full_address_in_place_of_a_slug_is_never_asked(sandbox: Sandbox, opened: Open) -> None:
    client = opened()
    (offer,) = client.offers({})
    assert offer.question(Identity(slug="https://www.linkedin.com/in/ada", first_name="A", last_name="B")) is None
    assert offer.question(Identity(slug="ada")) is None


async def test_a_malformed_id_is_uncertain_but_no_sign_of_an_outage(sandbox: Sandbox, opened: Open) -> None:
    limiter, ticket = HeardLimiter(), KeptTicket()
    client = opened(limiter)
    with pytest.raises(OutcomeUnknownError):
        await looked_up(client, "https://www.linkedin.com/in/ada", "Ada Example", ticket)
    assert ticket.steps == ["sent", "uncertain"]
    assert "failed" not in limiter.words


async def test_a_429_waits_for_the_reset_in_milliseconds(sandbox: Sandbox, opened: Open) -> None:
    limiter = HeardLimiter()
    client = opened(limiter)
    headers = {"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "90000"}
    sandbox.fault("status", params={"status": 429, "body": {"message": "blocked"}, "headers": headers})
    with pytest.raises(RateLimitedError) as caught:
        await client.verify_key()
    assert caught.value.retry_after_s == 90
    assert ("noticed", "kaspr", 90.0) in limiter.told
    assert ("limited", "kaspr", 90.0) in limiter.told


async def test_v2_asks_only_for_the_fields_of_the_question(sandbox: Sandbox, opened: Open) -> None:
    client, person = opened(dialect="v2"), somebody(sandbox)
    await looked_up(client, person["slug"], name_of(person), KeptTicket(), fields=())
    assert sandbox.charges() == []
    await looked_up(client, person["slug"], name_of(person), KeptTicket(), fields=("work_email",))
    assert sum(charge["credits"] for charge in sandbox.charges()) == client.price(("work_email",)) == 2


@pytest.mark.parametrize("dialect", ["reference", "v2"])
async def test_standing_names_the_user(sandbox: Sandbox, opened: Open, dialect: Dialect) -> None:
    client = opened(dialect=dialect)
    assert (await client.account_status()).who


async def test_the_wrong_dialect_is_an_error_and_no_miss(sandbox: Sandbox, opened: Open) -> None:
    with sandbox.switched(dialect="v2"):
        client, ticket = opened(dialect="reference"), KeptTicket()
        with pytest.raises(AccessError, match="dialect"):
            await profile(client, ticket)
    assert ticket.steps == ["sent", "released"]


async def test_a_type_error_is_our_mistake_no_outage_and_not_repeated(sandbox: Sandbox, opened: Open) -> None:
    limiter = HeardLimiter()
    kaspr = opened(limiter, dialect="v2")
    sandbox.fault("status", params={"status": 500, "body": {"message": "TypeError: x is not iterable"}})
    with pytest.raises(RejectedError, match="TypeError"):
        await kaspr.remaining_credits()
    assert len(sandbox.requests()) == 1
    assert "failed" not in limiter.words
