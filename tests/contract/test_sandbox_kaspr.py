"""Asks the imitated Kaspr as any client would, in both dialects."""

from collections.abc import AsyncIterator, Callable

import pytest

from sandbox.people import KasprKnows, Person
from tests.contract.sandbox_client import Client, client_of

REFERENCE, V2 = "/profile/profile", "/profile/linkedin"


@pytest.fixture(name="client")
async def kaspr_client() -> AsyncIterator[Client]:
    async with client_of("kaspr", credits=100) as client:
        yield client


def someone(client: Client, fits: Callable[[KasprKnows], object]) -> Person:
    return next(person for person in client.vendor.world.people if person.kaspr.known and fits(person.kaspr))


def unknown(client: Client) -> Person:
    return next(person for person in client.vendor.world.people if not person.kaspr.known)


async def test_the_key_is_told_whose_it_is_without_credit_headers(client: Client) -> None:
    answer = await client.get("/keys/verifyKey")
    assert list(answer.json) == ["user"]
    assert "Decreased-Credits" not in answer.headers


@pytest.mark.parametrize(
    ("scheme", "given", "status"),
    [
        ("any", "Bearer kaspr-sandbox-key", 200),
        ("any", "kaspr-sandbox-key", 200),
        ("bearer", "kaspr-sandbox-key", 401),
        ("raw", "kaspr-sandbox-key", 200),
        ("raw", "Bearer kaspr-sandbox-key", 401),
        ("any", "Bearer wrong", 401),
    ],
)
async def test_both_forms_of_a_key_can_be_demanded(client: Client, scheme: str, given: str, status: int) -> None:
    await client.control("POST", "switches", {"auth": scheme})
    answer = await client.ask("GET", "/keys/verifyKey", headers={"Authorization": given})
    assert answer.status == status


async def test_reference_profile_costs_one_credit_and_says_so(client: Client) -> None:
    person = someone(client, lambda knows: knows.work_email and knows.phone)
    answer = await client.post(REFERENCE, id=person.slug, name=person.full_name)
    profile = answer.json["profile"]
    assert profile["currentProEmail"] == person.kaspr.work_email
    assert profile["phones"] == [person.kaspr.phone]
    assert profile["lastName"] == person.last_name
    assert profile["emails"][0]["valid"] is person.kaspr.work_email_valid
    assert profile["fetchedAt"] > 10**12
    assert (answer.headers["Decreased-Credits"], answer.headers["Remaining-Credits"]) == ("1", "99")
    assert client.charged == [("profile", person.slug, 1)]


@pytest.mark.parametrize("valid", [True, False, None])
async def test_an_email_is_valid_invalid_or_unchecked(client: Client, valid: bool | None) -> None:
    person = someone(client, lambda knows: knows.work_email and knows.work_email_valid is valid)
    answer = await client.post(REFERENCE, id=person.slug, name=person.full_name)
    assert answer.json["profile"]["emails"][0]["valid"] is valid


async def test_v2_reveals_and_charges_what_was_asked_for(client: Client) -> None:
    person = someone(client, lambda knows: knows.work_email and knows.phone and not knows.masked)
    answer = await client.post(V2, id=person.slug, name="x", dataToGet=["phone"])
    profile = answer.json["profile"]
    assert (profile["phones"], profile["starryPhone"]) == ([person.kaspr.phone], person.kaspr.phone)
    assert (profile["workEmails"], profile["starryWorkEmail"], profile["emails"]) == ([], None, [])
    assert profile["company"]["domains"] == [person.employer.domain]
    assert answer.headers["Decreased-Credits"] == "2"
    assert (await client.get("/keys/remainingCredits")).json == {
        "workEmailCredits": 100, "personalEmailCredits": 100, "phoneCredits": 99, "exportCredits": 99
    }  # fmt: skip
    assert answer.headers["Remaining-Phone-Credits"] == "99"
    assert client.charged == [("profile", person.slug, 2)]


async def test_v2_unknown_field_name_is_a_server_error(client: Client) -> None:
    answer = await client.post(V2, id="anybody", name="x", dataToGet=["personalEmail"])
    assert answer.status == 500


async def test_v2_list_items_can_be_objects(client: Client) -> None:
    person = someone(client, lambda knows: knows.work_email and knows.phone)
    await client.control("POST", "switches", {"items": "objects"})
    profile = (await client.post(V2, id=person.slug, name="x", dataToGet=["workEmail", "phone"])).json["profile"]
    assert profile["workEmails"] == [{"email": person.kaspr.work_email}]
    assert profile["phones"] == [{"number": person.kaspr.phone}]


@pytest.mark.parametrize("path", [REFERENCE, V2])
@pytest.mark.parametrize("shape", ["404", "empty", "null", "absent"])
async def test_a_miss_has_several_shapes_and_is_free(client: Client, path: str, shape: str) -> None:
    await client.control("POST", "switches", {"miss": shape})
    answer = await client.post(path, id=unknown(client).slug, name="x", dataToGet=["phone"])
    assert answer.status == (404 if shape == "404" else 200)
    if shape == "empty":
        assert {"fetchedAt", "companyName", "company"}.isdisjoint(answer.json["profile"])
    else:
        assert not answer.json.get("profile")
    assert answer.headers["Decreased-Credits"] == "0"
    assert client.charged == []


async def test_what_is_required_and_missing_returns_nothing_for_nothing(client: Client) -> None:
    person = someone(client, lambda knows: knows.work_email and not knows.phone)
    answers = [
        await client.post(REFERENCE, id=person.slug, name="x", isPhoneRequired=True),
        await client.post(V2, id=person.slug, name="x", dataToGet=["workEmail", "phone"], requiredData=["phone"]),
    ]
    assert [(answer.status, answer.json.get("profile")) for answer in answers] == [(200, None)] * 2
    assert client.charged == []


@pytest.mark.parametrize(("answered", "status"), [("402", 402), ("200", 200)])
async def test_no_credits_left_has_two_forms(client: Client, answered: str, status: int) -> None:
    await client.control("POST", "balance", {"credits": 0})
    await client.control("POST", "switches", {"no_credits": answered})
    person = someone(client, lambda knows: knows.work_email)
    for path in (REFERENCE, V2):
        answer = await client.post(path, id=person.slug, name="x", dataToGet=["workEmail"])
        assert (answer.status, answer.json) == (status, {"message": "No credits left"})
    assert client.charged == []


async def test_an_empty_phone_pool_leaves_emails(client: Client) -> None:
    await client.control("POST", "balance", {"phoneCredits": 0, "workEmailCredits": -1})
    person = someone(client, lambda knows: knows.work_email)
    refused = await client.post(V2, id=person.slug, name="x", dataToGet=["workEmail", "phone"])
    served = await client.post(V2, id=person.slug, name="x", dataToGet=["workEmail"])
    assert (refused.status, served.status) == (402, 200)
    assert served.headers["Remaining-Work-Email-Credits"] == "-1"


@pytest.mark.parametrize("body", [{}, {"id": "ada"}, {"id": "", "name": "Ada"}, {"id": 5, "name": "Ada"}, []])
async def test_a_bad_body_is_refused(client: Client, body: object) -> None:
    assert (await client.ask("POST", REFERENCE, body)).status == 400


async def test_a_429_blocks_until_the_reset_in_milliseconds(client: Client) -> None:
    window = {"name": "hour", "allowed": 1, "seconds": 3600}
    await client.control("POST", "limits", {"windows": [window]})
    served, refused = await client.get("/keys/verifyKey"), await client.get("/keys/verifyKey")
    assert (served.headers["X-RateLimit-Limit"], served.headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert refused.status == 429
    assert 3_590_000 < int(refused.headers["X-RateLimit-Reset"]) <= 3_600_001
    await client.control("POST", "clock", {"advance": int(refused.headers["X-RateLimit-Reset"]) / 1000})
    assert (await client.get("/keys/verifyKey")).status == 200


async def test_rate_limits_are_told() -> None:
    async with client_of("kaspr", limits="real", records=20, companies=5) as client:
        answer = await client.get("/keys/rateLimits")
        assert answer.json == {"dailyLimit": 500, "hourlyLimit": 500, "minutelyLimit": 60}
        assert answer.headers["X-Daily-RateLimit-Remaining"] == "499"


@pytest.mark.parametrize(("dialect", "statuses"), [("reference", (200, 404)), ("v2", (404, 200))])
async def test_one_dialect_can_be_served_alone(client: Client, dialect: str, statuses: tuple[int, int]) -> None:
    await client.control("POST", "switches", {"dialect": dialect})
    slug = someone(client, lambda knows: knows.work_email).slug
    seen = [(await client.post(path, id=slug, name="x", dataToGet=["workEmail"])).status for path in (REFERENCE, V2)]
    assert tuple(seen) == statuses


async def test_domain_patterns_cost_one_and_are_unsorted(client: Client) -> None:
    domain = client.vendor.world.companies[0].domain
    patterns = (await client.post("/company/domainPattern", domain=domain)).json["patterns"]
    scores = [one["score"] for one in patterns]
    assert scores != sorted(scores, reverse=True)
    assert all(one["pattern"].endswith(f"@{domain}") for one in patterns)
    assert client.charged == [("domainPattern", domain, 1)]
    unknown_domain = await client.post("/company/domainPattern", domain="nowhere.example")
    assert unknown_domain.status == 404 or unknown_domain.json == {"patterns": []}
    assert len(client.charged) == 1


async def test_employees_are_charged_by_the_head(client: Client) -> None:
    company = client.vendor.world.companies[0]
    answer = await client.post("/company/domainEmployees", domain=company.domain, contactsNumberLimit=2)
    assert len(answer.json["employees"]) == 2
    assert answer.headers["Decreased-Credits"] == "2"
    with_phone = await client.post("/company/domainEmployees", domain=company.domain, isPhoneRequired=True)
    assert all(one["phones"] for one in with_phone.json["employees"])
    nobody = await client.post("/company/domainEmployees", domain="nowhere.example")
    assert nobody.json == {"employees": []}


async def test_an_unknown_path_is_not_found(client: Client) -> None:
    assert (await client.get("/profile/nothing")).status == 404
