"""Strangers who prove nothing keep no sender out and get nothing done twice."""

from __future__ import annotations

import asyncio
import base64
import time

import pytest
from redis.asyncio import Redis

from tests.integration.intake import senders
from tests.integration.intake.conftest import PUBLIC, Door
from tests.integration.intake.senders import called_out, event, now_ms, posted, signed
from worker.ledger.intake.intake import Announced, AnnouncedPost, Intake
from worker.ledger.scripts import Scripts
from worker.ledger.work.work_values import Settlement
from worker.web.bodies import MOST_HELD_BYTES
from worker.web.deadline import STRANGER_WITHIN_S

PATH = "/webhooks/hubspot/acme_hubspot"
CALLOUT = "/webhooks/salesforce/acme_salesforce"
RECORD = "0035g00000AbCdEAAV"
POST = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n".encode()


def forged() -> bytes:
    """A head whose signature has its form, and nothing else."""
    signature = base64.b64encode(bytes(32)).decode()
    return POST + f"x-hubspot-signature-v3: {signature}\r\nx-hubspot-request-timestamp: {now_ms()}\r\n".encode()


def half_a_body() -> bytes:
    return forged() + b"content-length: 5000\r\n\r\n[{"


async def connected(door: Door, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = door.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(said)
    return reader, writer


async def test_strangers_hold_no_place_for_longer_than_two_seconds(door: Door) -> None:
    """However they are slow: silent, in the head, in the body, on a second request, or in reading the answer."""
    page = b"GET /api HTTP/1.1\r\nhost: x\r\n\r\n"

    async def held(first: bytes, drip: bytes, *, reads: bool = True) -> float:
        began = time.monotonic()
        reader, writer = await connected(door, first)
        try:
            while time.monotonic() - began < 3 * STRANGER_WITHIN_S:
                writer.write(drip)
                if not reads:
                    await writer.drain()
                    await asyncio.sleep(0.02)
                    continue
                try:
                    if not await asyncio.wait_for(reader.read(4096), 0.05):
                        break
                except TimeoutError:
                    continue
        except ConnectionError:
            pass
        writer.close()
        return time.monotonic() - began

    times = await asyncio.gather(
        held(b"", b""),
        held(POST + b"x-slow: ", b"x"),
        held(half_a_body(), b" "),
        held(page + b"GET /api HTTP/1.1\r\nx: ", b"x"),
        held(page, page, reads=False),
    )
    assert max(times) < STRANGER_WITHIN_S + 1


async def test_answer_to_a_stranger_ends_its_connection_and_a_proved_sender_keeps_it(door: Door) -> None:
    body = posted(event())
    told = await door.post(PATH, body, signed(PUBLIC + PATH, body))
    assert (told.status_code, told.headers.get("connection")) == (204, None)
    told = await door.post(PATH, body, signed(PUBLIC + PATH, body, secret="another"))
    assert (told.status_code, told.headers["connection"]) == (401, "close")
    assert (await door.http.get(f"{door.url}/healthz")).headers["connection"] == "close"


async def test_slow_posts_with_forged_signatures_keep_no_webhook_out(door: Door) -> None:
    """More of them than there are places on the way into the ledger, again and again."""
    crowd = await asyncio.gather(*(connected(door, half_a_body()) for _ in range(1_100)))
    answers = [await door.hubspot(posted(event(id=at))) for at in range(1, 11)]
    assert [one.status_code for one in answers] == [204] * 10
    for _, writer in crowd:
        writer.close()


async def test_bodies_of_strangers_keep_no_room_from_a_webhook(door: Door) -> None:
    large = 1_000_000
    count = MOST_HELD_BYTES // large + 8
    head = forged() + f"content-length: {large + 1}\r\n\r\n[".encode()
    crowd = await asyncio.gather(*(connected(door, head + b" " * (large - 1)) for _ in range(count)))
    assert (await door.hubspot(posted(event()))).status_code == 204
    for _, writer in crowd:
        writer.close()


async def test_signature_without_its_form_is_refused_before_the_body_is_read(door: Door) -> None:
    body = posted(event())
    head = POST + f"x-hubspot-signature-v3: abc\r\nx-hubspot-request-timestamp: {now_ms()}\r\n".encode()
    reader, writer = await connected(door, head + f"content-length: {len(body)}\r\n\r\n".encode())
    assert b"401" in await asyncio.wait_for(reader.readline(), STRANGER_WITHIN_S / 2)
    writer.close()


async def visited(door: Door, crm: str, kind: str) -> int:
    """Visits everything that is due; returns how many records that were."""
    leases = await door.leases(crm, kind)
    for lease in leases:
        await door.ledger.work(crm, kind).settle(lease, Settlement("a1", 1, 1))
    return len(leases)


async def test_signed_hubspot_post_that_comes_ten_times_is_one_visit(door: Door) -> None:
    body = posted(event("contact.deletion"), event("contact.deletion", id=102))  # these always count
    headers = signed(PUBLIC + PATH, body)
    visits = []
    for _ in range(10):
        assert (await door.post(PATH, body, headers)).status_code == 204
        visits.append(await visited(door, "acme_hubspot", "contact"))
    assert visits == [2] + [0] * 9
    assert await door.ledger.intake.replayed() == {("acme_hubspot", "contact"): 18}
    assert await door.ledger.intake.announced() == {("acme_hubspot", "contact"): 2}
    assert (
        'refill_events_replayed_total{crm="acme_hubspot",object="contact"} 18.0'
        in (await door.http.get(f"{door.url}/metrics")).text
    )


async def test_callout_that_comes_ten_times_is_one_visit_and_other_messages_are_others(door: Door) -> None:
    visits = []
    for again in range(10):  # signed anew each time, as a sender does that had no answer
        body, headers = called_out({"object": "Contact", "ids": [RECORD]}, ago_s=again)
        assert (await door.post(CALLOUT, body, headers)).status_code == 204
        visits.append(await visited(door, "acme_salesforce", "contact"))
    assert visits == [1] + [0] * 9
    for other in (
        called_out({"object": "Contact", "ids": [RECORD]}, id="msg_2"),
        called_out({"object": "Lead", "ids": ["00Q5g00000AbCdE"]}),
    ):
        assert (await door.post(CALLOUT, *other)).status_code == 204
    assert await visited(door, "acme_salesforce", "contact") == 1
    assert await visited(door, "acme_salesforce", "lead") == 1


async def test_two_web_processes_know_each_others_posts(door: Door, redis: Redis) -> None:
    """Shows that a post is known in Redis: another process's step leaves it out."""
    work, runs = ("acme_hubspot", "contact"), {"acme_hubspot": "day-x"}
    posts = [AnnouncedPost({work: [Announced("7")]}, "m1"), AnnouncedPost({work: [Announced("8")]}, "m2")]
    assert (await Intake(Scripts(redis)).announce(posts, runs)).added == 2
    posts.append(AnnouncedPost({work: [Announced("9")]}))  # without a signature, in the same step
    told = await Intake(Scripts(redis)).announce(posts, runs)
    assert (told.added, told.replayed) == (1, 2)


async def test_post_that_was_not_taken_is_not_remembered(door: Door) -> None:
    body = posted(event("contact.deletion"))
    headers = signed(PUBLIC + PATH, body)
    await door.redis.config_set("maxmemory", 1)
    assert (await door.post(PATH, body, headers)).status_code == 503
    await door.redis.config_set("maxmemory", 0)
    assert (await door.post(PATH, body, headers)).status_code == 204
    assert await door.due() == ["101"]


async def test_marks_of_posts_are_forgotten_when_they_are_old_or_too_many(redis: Redis) -> None:
    now = [1_800_000_000_000]
    scripts = Scripts(redis, clock=lambda: now[0])

    async def announced(mark: str) -> int:
        text = f"{mark} 0 2;5 0 0;"
        replayed = await scripts.run(
            "intake_announce", marks_ms=60_000, most_marks=3, groups=[("acme_hubspot", "contact", "day-x", text)]
        )
        return int(replayed[3])

    for mark in "abcde":
        assert await announced(mark) == 0
        now[0] += 1
    assert await redis.zcard(scripts.keys("marks")) == 3
    assert await announced("c") == 1
    now[0] += 61_000
    assert await announced("c") == 0
    assert await redis.zcard(scripts.keys("marks")) == 1


@pytest.mark.parametrize("id", ["1", "x" * 32, "A" * 32, "0" * 31, "0" * 33, "0" * 10_000, "%2e%2e", "*", "%00"])
async def test_id_that_is_none_of_ours_never_meets_redis(door: Door, id: str) -> None:
    async def asked() -> int:
        told = await door.redis.info("commandstats")
        return int(told.get("cmdstat_hgetall", {"calls": 0})["calls"])

    before = await asked()
    token = {"authorization": f"Bearer {senders.TOKEN}"}
    assert (await door.http.get(f"{door.url}/api/enrich/{id}", headers=token)).status_code == 404
    assert await asked() == before


@pytest.mark.parametrize("page", ["/readyz", "/metrics", "/api", "/api/openapi.json"])
async def test_pages_are_not_answered_under_a_name_that_a_stranger_may_own(door: Door, page: str) -> None:
    answer = await door.http.get(door.url + page, headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert "web.hosts" in answer.json()["error"]
    for host in ("127.0.0.1", "refill:8080", "refill.acme.test"):
        assert (await door.http.get(door.url + page, headers={"host": host})).status_code != 421
    body = posted(event())  # who signs needs no name
    headers = {**signed(PUBLIC + PATH, body), "host": "evil.example"}
    assert (await door.post(PATH, body, headers)).status_code == 204


@pytest.mark.parametrize("page", ["/healthz", "/readyz", "/metrics", "/api", "/api/openapi.json"])
async def test_no_page_changes_what_redis_holds(door: Door, page: str) -> None:
    await door.ledger.timetable.beat("w1", {"shut": []})
    before = (await door.digest(), (await door.redis.info("persistence"))["rdb_changes_since_last_save"])
    for _ in range(3):
        assert (await door.http.get(door.url + page)).status_code == 200
    assert (await door.digest(), (await door.redis.info("persistence"))["rdb_changes_since_last_save"]) == before


async def test_redis_that_hangs_holds_no_page(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.web.app.SCRAPE_S", STRANGER_WITHIN_S + 0.5)
    await door.redis.execute_command("CLIENT PAUSE", 20_000, "ALL")  # type: ignore[no-untyped-call]
    # A restart of this process would mend nothing: it is alive, and says that it is not ready.
    for page, status, within_s in (("/healthz", 200, 1), ("/readyz", 503, 1), ("/metrics", 503, 5)):
        began = time.monotonic()
        answer = await door.http.get(door.url + page)
        assert (answer.status_code, time.monotonic() - began < within_s) == (status, True)
    await door.redis.execute_command("CLIENT UNPAUSE")  # type: ignore[no-untyped-call]
    assert (await door.http.get(f"{door.url}/metrics")).status_code == 200


async def test_readiness_tells_when_no_worker_has_room_for_a_paid_reply(door: Door) -> None:
    await door.ledger.timetable.beat("w1", {"shut": [], "no_room": True})
    told = await door.http.get(f"{door.url}/readyz")
    sentence = "no worker has room on its disk for paid replies: run refill check"
    assert (told.status_code, told.json()) == (503, {"status": sentence})
    await door.ledger.timetable.beat("w2", {"shut": [], "no_room": False})
    assert (await door.http.get(f"{door.url}/readyz")).status_code == 200
    assert (await door.http.get(f"{door.url}/healthz")).status_code == 200
