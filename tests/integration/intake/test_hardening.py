"""No sender can do harm to the web process, and a Redis that is away is told within a second."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tests.harness.redis import running
from tests.integration.intake import senders
from tests.integration.intake.conftest import PUBLIC, Door, settings_in
from tests.integration.intake.senders import called_out, envelope, event, notification, posted, signed
from worker.ledger.intake.intake import Announced, AnnouncedPost, Intake
from worker.ledger.ledger import Ledger
from worker.ledger.scripts import LedgerUnavailableError, Scripts
from worker.web.app import web_app
from worker.web.bodies import Bodies, shallow
from worker.web.deadline import RequestDeadline
from worker.web.post_batches import ENOUGH_ROWS, PostBatches
from worker.web.server import listen, serve

PATH = "/webhooks/hubspot/acme_hubspot"
API = {"authorization": f"Bearer {senders.TOKEN}", "content-type": "application/json"}


async def raw(door: Door, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """Send bytes as they are and read what comes until the other side closes or falls silent."""
    host, _, port = door.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        answer = await asyncio.wait_for(reader.read(65_536), 5)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return answer


async def test_two_mebibytes_in_chunks_without_a_length_are_refused_and_not_held(door: Door) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = b"POST /api/enrich HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
    head += b"".join(f"{name}: {value}\r\n".encode() for name, value in API.items()) + b"\r\n"
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    answer = await raw(door, head, *[chunk] * 32, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000  # KiB


async def test_told_length_beyond_the_cap_is_refused_at_once(door: Door) -> None:
    head = b"POST /api/enrich HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n"
    head += b"".join(f"{name}: {value}\r\n".encode() for name, value in API.items()) + b"\r\n"
    assert (await raw(door, head, b"{")).startswith(b"HTTP/1.1 413")


async def test_proved_sender_gets_longer_for_its_body_not_for_ever(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestDeadline, "stranger_within_s", 0.3)
    monkeypatch.setattr(RequestDeadline, "arrives_within_s", 1.5)
    head = b"POST /api/enrich HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n"
    head += b"".join(f"{name}: {value}\r\n".encode() for name, value in API.items()) + b"\r\n"
    began = time.monotonic()
    answer = await raw(door, head, b"{")
    assert (answer, time.monotonic() - began > 1.2) == (b"", True)


async def test_head_without_an_end_is_dropped(door: Door) -> None:
    answer = await raw(door, b"GET /healthz HTTP/1.1\r\n", *[b"x-filler: " + b"y" * 8_000 + b"\r\n"] * 40)
    assert b"200" not in answer[:20]
    assert (await door.http.get(f"{door.url}/healthz")).status_code == 200


async def test_compressed_or_mislabelled_bodies_are_refused(door: Door) -> None:
    body = posted(event())
    headers = signed(PUBLIC + PATH, body)
    for wrong in ({"content-encoding": "gzip"}, {"content-type": "text/plain"}, {"content-type": ""}):
        assert (await door.post(PATH, body, {**headers, **wrong})).status_code == 415
    good = {**headers, "content-type": "application/json; charset=utf-8"}
    assert (await door.post(PATH, body, good)).status_code == 204
    told = (await door.http.get(f"{door.url}/metrics")).text
    for reason, posts in (("content_encoding", 1), ("content_type", 2)):
        assert f'refill_webhook_refusals_total{{door="webhooks.hubspot",reason="{reason}"}} {posts}.0' in told


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 17 + b"]" * 17, b'["\\"",' + b"[" * 16 + b"]" * 17]
)
async def test_deep_nesting_is_refused(door: Door, body: bytes) -> None:
    assert (await door.hubspot(body)).status_code == 400
    assert (await door.post("/api/enrich", body, API)).status_code == 400


def test_string_without_an_end_is_read_once() -> None:
    """A body of the largest size, every second byte of which might begin a string."""
    began = time.process_time()
    shallow(b"[" * 10 + b'"' + b'\\"' * 500_000)
    assert time.process_time() - began < 5


async def test_brackets_inside_a_value_nest_nothing(door: Door) -> None:
    assert (await door.hubspot(posted(event(propertyValue="[[[[" * 100 + '"}{\\"')))).status_code == 204
    assert await door.due() == ["101"]


async def test_wrong_methods_and_paths_tell_nothing(door: Door) -> None:
    assert (await door.http.get(door.url + PATH)).status_code == 405
    assert (await door.http.put(door.url + "/api/enrich")).status_code == 405
    assert (await door.http.post(door.url + "/webhooks")).status_code == 404
    assert (await door.http.post(door.url + "/api/enrich/", headers={"host": "evil.test"})).status_code in {404, 405}


async def test_room_for_bodies_is_bounded_over_all_posts(redis: Redis, tmp_path: Path) -> None:
    bodies = Bodies(held=10)
    bodies.held = 11
    from starlette.requests import Request

    from worker.web.bodies import RefusedError

    request = Request({"type": "http", "headers": [(b"content-type", b"application/json")]})
    with pytest.raises(RefusedError, match="busy"):
        await bodies.read(request, "application/json")


async def test_without_redis_every_way_in_answers_503_within_a_second_and_takes_again_later(tmp_path: Path) -> None:
    with running() as server:
        redis = Redis(unix_socket_path=str(server.socket))
        settings = settings_in(tmp_path)
        stop = asyncio.Event()
        bound = listen(settings.web)
        serving = asyncio.create_task(serve(web_app(Ledger.over(redis), settings, stop), bound, stop, grace_s=1))
        host, port = bound.getsockname()[:2]
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            door = Door(f"http://{host}:{port}", http, redis)

            async def everything() -> list[int]:
                soap = {"content-type": "text/xml"}
                callout, headers = called_out({"object": "Contact", "ids": ["0035g00000AbCdEAAV"]})
                asked = b'{"crm":"acme_hubspot","object":"contact","ids":["1"]}'
                posts: tuple[Callable[[], Awaitable[httpx.Response]], ...] = (
                    lambda: door.hubspot(posted(event())),
                    lambda: door.post(
                        f"/webhooks/salesforce/acme_salesforce/{senders.PATH_SECRET}",
                        envelope(notification("0035g00000AbCdEAAV")),
                        soap,
                    ),
                    lambda: door.post("/webhooks/salesforce/acme_salesforce", callout, headers),
                    lambda: door.post("/api/enrich", asked, API),
                )
                statuses = []
                for post in posts:
                    began = time.monotonic()
                    statuses.append((await post()).status_code)
                    assert time.monotonic() - began < 1.0
                return statuses

            assert await everything() == [204, 200, 204, 202]
            server.signal(signal.SIGSTOP)  # it is there and says nothing
            assert await everything() == [503] * 4
            server.signal(signal.SIGCONT)
            await redis.ping()
            assert await everything() == [204, 200, 204, 202]
            await redis.config_set("maxmemory", 1)
            assert await everything() == [503] * 4
            await redis.config_set("maxmemory", 0)
            await redis.config_set("min-replicas-to-write", 1)
            assert await everything() == [503] * 4
            await redis.config_set("min-replicas-to-write", 0)
            await redis.aclose()
            server.kill()
            assert await everything() == [503] * 4
        stop.set()
        await serving


async def test_post_of_several_crms_and_objects_is_one_script(door: Door) -> None:
    await door.hubspot(posted(event()))  # scripts are loaded
    before = (await door.redis.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"]
    mixed = [event(id=at, portalId=senders.PORTAL if at % 2 else 77) for at in range(1, 101)]
    assert (await door.hubspot(posted(*mixed), crm="")).status_code == 204
    after = (await door.redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert len(await door.due()) + len(await door.due("second_hubspot")) >= 100
    assert after - before <= 1


async def test_posts_of_one_moment_are_one_step_and_each_is_answered_when_that_ended(door: Door) -> None:
    await door.hubspot(posted(event()))
    before = (await door.redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    answers = await asyncio.gather(*(door.hubspot(posted(event(id=1_000 + at))) for at in range(60)))
    assert [answer.status_code for answer in answers] == [204] * 60
    assert len(await door.due()) == 61
    assert (await door.redis.info("commandstats"))["cmdstat_evalsha"]["calls"] - before <= 60


async def test_every_post_of_a_step_that_fails_is_refused(redis: Redis) -> None:
    class Away(Intake):
        async def begun(self, posts: object, runs: object) -> None:
            await asyncio.sleep(0)
            raise LedgerUnavailableError("away")

    gathering = PostBatches(Away(Scripts(redis)), lambda crm: f"day-{crm}")
    post = AnnouncedPost({("acme_hubspot", "contact"): [Announced("1")]})
    told = await asyncio.gather(*(gathering.announce(post) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(one, LedgerUnavailableError) for one in told)
    await gathering.aclose()


async def test_post_that_comes_as_a_step_ends_goes_with_a_step_of_its_own(redis: Redis) -> None:
    gathering = PostBatches(Intake(Scripts(redis)), lambda crm: f"day-{crm}")
    async with asyncio.timeout(5):
        for id in "123":
            await gathering.announce(AnnouncedPost({("acme_hubspot", "contact"): [Announced(id)]}))
    await gathering.aclose()


async def test_many_rows_do_not_wait_for_the_step_that_is_on_its_way(redis: Redis) -> None:
    class FirstIsSlow(Intake):
        steps = 0

        async def begun(self, posts: Sequence[AnnouncedPost], runs: Mapping[str, str]) -> None:
            self.steps += 1
            if self.steps == 1:
                await slow.wait()

    slow = asyncio.Event()
    gathering = PostBatches(FirstIsSlow(Scripts(redis)), lambda crm: f"day-{crm}")

    def announced(ids: range) -> asyncio.Future[None]:
        return gathering.announce(AnnouncedPost({("acme_hubspot", "contact"): [Announced(str(id)) for id in ids]}))

    first = announced(range(1))
    await asyncio.sleep(0)  # its step has left
    await announced(range(1, ENOUGH_ROWS + 1))
    assert not first.done()
    slow.set()
    await first
    await gathering.aclose()


async def test_post_whose_time_is_up_takes_none_of_those_behind_it_along(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.web.post_batches.ANSWER_S", 2.0)  # a busy machine is slow by parts of a second
    gathering = PostBatches(Intake(Scripts(redis)), lambda crm: f"day-{crm}")

    def announced(id: str) -> asyncio.Future[None]:
        return gathering.announce(AnnouncedPost({("acme_hubspot", "contact"): [Announced(id)]}))

    await announced("0")  # the script is loaded
    await redis.client_pause(2_200)
    first = announced("1")
    await asyncio.sleep(0.05)
    second = announced("2")  # waits for the step of the first
    await asyncio.sleep(1.3)
    third = announced("3")
    for late in (first, second):
        with pytest.raises(LedgerUnavailableError):
            await late
    await third
    await gathering.aclose()


async def test_post_that_would_hear_too_late_is_refused_before_it_goes_to_redis(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.web.post_batches.ANSWER_S", 3.0)  # a busy machine is slow by parts of a second
    intake = Intake(Scripts(redis))
    gathering = PostBatches(intake, lambda crm: f"day-{crm}")

    def announced(id: str) -> asyncio.Future[None]:
        return gathering.announce(AnnouncedPost({("acme_hubspot", "contact"): [Announced(id)]}))

    await announced("0")  # the script is loaded
    await redis.client_pause(2_400)
    first = announced("1")
    await asyncio.sleep(0.05)
    second = announced("2")  # waits for the step of the first, and has less time left than that took
    await first
    with pytest.raises(LedgerUnavailableError):
        await second
    await announced("3")  # nobody behind it has to suffer for a slow step
    assert await intake.announced() == {("acme_hubspot", "contact"): 3}
    await gathering.aclose()


async def test_posts_of_all_portals_count_as_one_route_which_takes_nothing_else(door: Door) -> None:
    for crm, status in (("acme_hubspot", 204), ("second_hubspot", 204), ("silent_hubspot", 404), ("nobody", 404)):
        assert (await door.hubspot(posted(event()), crm=crm)).status_code == status
    assert (await door.http.get(door.url + PATH)).status_code == 405
    told = (await door.http.get(f"{door.url}/metrics")).text
    counted = {line for line in told.splitlines() if line.startswith("refill_web_answers_total{")}
    route = 'refill_web_answers_total{route="/webhooks/hubspot/{crm}",status='
    assert counted == {f'{route}"204"}} 2.0', f'{route}"404"}} 2.0', f'{route}"405"}} 1.0'}


async def test_request_that_was_answered_is_freed_without_the_garbage_collector(door: Door) -> None:
    gc.collect()
    gc.disable()
    try:
        for id in range(1, 21):
            assert (await door.hubspot(posted(event(id=id)))).status_code == 204
        kept = sum(type(one) is RequestResponseCycle for one in gc.get_objects())
    finally:
        gc.enable()
    assert kept <= 2  # a connection keeps its last one


HOST = b"host: 127.0.0.1\r\n"
LAST = b"connection: close\r\n\r\n"
POST = b"POST /webhooks/hubspot/acme_hubspot HTTP/1.1\r\n" + HOST
TRICKS = {
    "another host beside ours": (b"GET /metrics HTTP/1.1\r\n" + HOST + b"host: evil.example\r\n" + LAST, 421),
    "ours beside another host": (b"GET /metrics HTTP/1.1\r\nhost: evil.example\r\n" + HOST + LAST, 421),
    "our address in the line": (b"GET http://127.0.0.1/metrics HTTP/1.1\r\nhost: evil.example\r\n" + LAST, 421),
    "our address as a user": (b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1@evil.example\r\n" + LAST, 421),
    "dot segments": (b"GET /webhooks/../metrics HTTP/1.1\r\n" + HOST + LAST, 404),
    "coded dot segments": (b"GET /webhooks/%2e%2e/metrics HTTP/1.1\r\n" + HOST + LAST, 404),
    "two slashes": (b"GET //metrics HTTP/1.1\r\n" + HOST + LAST, 404),
    "zero and no text": (b"POST /webhooks/hubspot/%00%ff HTTP/1.1\r\n" + HOST + b"content-length: 0\r\n" + LAST, 404),
    "two lengths": (POST + b"content-length: 0\r\ncontent-length: 40\r\n" + LAST, 400),
    "length and chunks": (POST + b"content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics", 400),
    "length below nothing": (POST + b"content-length: -1\r\n" + LAST, 400),
    "length with a sign": (POST + b"content-length: +5\r\n" + LAST + b"hello", 400),
    "encoding nobody knows": (POST + b"transfer-encoding: xchunked\r\n" + LAST, 400),
    "a tunnel": (b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + LAST, 400),
    "a trace": (b"TRACE /healthz HTTP/1.1\r\n" + HOST + LAST, 405),
    "another protocol": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
}


@pytest.mark.parametrize("trick", TRICKS)
async def test_request_that_can_be_read_in_two_ways_gets_one_refusal(door: Door, trick: str) -> None:
    sent, status = TRICKS[trick]
    answer = await raw(door, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:40]
    assert answer.count(b"HTTP/1.1") == 1
    assert b"refill_" not in answer
