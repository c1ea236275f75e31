"""Scripts that tasks call in one turn of the loop share a round trip, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import ConnectionPool, Redis, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError

from worker.ledger.intake.intake import Intake
from worker.ledger.scripts import EACH_ROW, LedgerUnavailableError, Scripts
from worker.redis.together import ENOUGH, MOST, ROWS, Together

ECHO = "return ARGV[1]"
DAYS = 99_999.0  # a script that waits for the clock never leaves
REFUSES = "return redis.error_reply('ERR ' .. ARGV[1])"


@pytest.fixture
async def together(redis: Redis) -> AsyncIterator[Together]:
    place = redis.connection_pool.connection_kwargs
    pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=place["path"])
    client = Together(connection_pool=pool)
    yield client
    await pool.disconnect()


async def reads(redis: Redis) -> int:
    """Counts how often the server has read from a client."""
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_scripts_of_one_turn_go_in_one_round_trip(together: Together, redis: Redis) -> None:
    echo = together.register_script(ECHO)
    assert await echo(args=["known"]) == b"known"
    before = await reads(redis)
    assert await asyncio.gather(*(echo(args=[at]) for at in range(100))) == [b"%d" % at for at in range(100)]
    assert await reads(redis) - before <= 5


async def test_many_scripts_leave_in_several_round_trips(together: Together) -> None:
    echo, count = together.register_script(ECHO), 2 * MOST + 1
    assert await asyncio.gather(*(echo(args=[at]) for at in range(count))) == [b"%d" % at for at in range(count)]


async def test_error_of_one_script_is_its_own(together: Together) -> None:
    echo, refuses = together.register_script(ECHO), together.register_script(REFUSES)
    calls = [echo(args=["a"]), refuses(args=["no"]), echo(args=["b"])]
    first, error, last = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, last) == (b"a", b"b")
    assert isinstance(error, ResponseError)
    assert str(error) == "no"


async def test_scripts_run_after_redis_forgot_them(together: Together, redis: Redis) -> None:
    echo, other = together.register_script(ECHO), together.register_script("return ARGV[1] .. '!'")
    assert await echo(args=["a"]) == b"a"
    await redis.script_flush()
    calls = [echo(args=["b"]), other(args=["c"]), echo(args=["d"])]
    assert await asyncio.gather(*calls) == [b"b", b"c!", b"d"]


@pytest.mark.parametrize(("times", "ends"), [(2, b"a"), (99, None)])
async def test_a_server_that_starts_anew_while_it_is_given_its_scripts_is_given_them_again_or_is_away(
    redis: Redis, times: int, ends: bytes | None
) -> None:
    class Forgotten(Together):
        """Its server has forgotten what it was given when that is to run, so many times."""

        given = 0

        async def script_load(self, script: str) -> object:  # type: ignore[override]  # redis-py's gives two kinds
            sha = await super().script_load(script)
            self.given += 1
            if self.given <= times:
                await redis.script_flush()
            return sha

    pool = ConnectionPool(
        connection_class=UnixDomainSocketConnection, path=redis.connection_pool.connection_kwargs["path"]
    )
    echo = Forgotten(connection_pool=pool).register_script(ECHO)
    await redis.script_flush()
    if ends:
        assert await echo(args=["a"]) == ends
    else:
        with pytest.raises(RedisConnectionError, match="keeps no script"):
            await echo(args=["a"])
    await pool.disconnect()


async def test_caller_that_gives_up_takes_nothing_from_the_others(together: Together) -> None:
    echo = together.register_script(ECHO)
    impatient, patient = asyncio.ensure_future(echo(args=["a"])), asyncio.ensure_future(echo(args=["b"]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == b"b"
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_everybody_is_told_that_redis_is_away(tmp_path: Path) -> None:
    pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=str(tmp_path / "none.sock"))
    scripts = Scripts(Together(connection_pool=pool))
    found = await asyncio.gather(*(scripts.run("time_now") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [LedgerUnavailableError] * 3


async def test_equal_scripts_of_one_turn_are_one_script_of_many_rows(together: Together, redis: Redis) -> None:
    echo = together.register_script(ECHO)
    await asyncio.gather(echo(args=["known"]), echo(args=["too"]))
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert await asyncio.gather(*(echo(args=[at]) for at in range(ROWS))) == [b"%d" % at for at in range(ROWS)]
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] - before == 1


async def test_error_of_one_row_is_its_own(together: Together) -> None:
    at_fault = together.register_script("if ARGV[1] == 'x' then redis.call('NO') end return {ARGV[1], ARGV[2]}")
    broken = together.register_script("if ARGV[1] == 'x' then return nothing.at.all end return false")
    calls = [at_fault(args=["a", 1]), at_fault(args=["x", 2]), at_fault(args=["b", 3]), broken(args=["x"])]
    first, refused, last, raised, none = await asyncio.gather(*calls, broken(args=["y"]), return_exceptions=True)
    assert (first, last, none) == ([b"a", b"1"], [b"b", b"3"], None)
    assert isinstance(refused, ResponseError)
    assert isinstance(raised, ResponseError)


async def test_what_rows_share_is_run_once_with_the_values_of_the_first(together: Together) -> None:
    shared = "local count = redis.call('INCR', 'refill:count') local first = ARGV[1]"
    script = together.register_script(f"{shared}\n{EACH_ROW}\nreturn {{count, first, ARGV[1]}}")
    assert await script(args=["x"]) == [1, b"x", b"x"]
    found = await asyncio.gather(*(script(args=[name]) for name in ("a", "b")))
    assert found == [[2, b"a", b"a"], [2, b"a", b"b"]]


async def test_row_of_a_script_that_returns_nothing_keeps_its_place(together: Together) -> None:
    ends = ("if ARGV[1] == 'x' then return 1 end", "if ARGV[1] == 'x' then return 1 end return nil")
    for text in ends:
        script = together.register_script(text)
        found = await asyncio.gather(*(script(args=[name]) for name in ("a", "x", "b")))
        assert found == [None, 1, None]


async def test_row_is_told_of_a_redis_that_is_full(together: Together, redis: Redis) -> None:
    keep = together.register_script("return redis.call('SET', ARGV[1], ARGV[2])")
    await redis.config_set("maxmemory", 1)
    try:
        found = await asyncio.gather(*(keep(args=[f"refill:k{at}", "v"]) for at in range(3)), return_exceptions=True)
        assert [type(one) for one in found] == [OutOfMemoryError] * 3
    finally:
        await redis.config_set("maxmemory", 0)


async def test_scripts_that_come_while_one_is_away_travel_together(together: Together, redis: Redis) -> None:
    slow = together.register_script("for _ = 1, ARGV[1] do end return 1")
    echo = together.register_script(ECHO)
    await asyncio.gather(echo(args=["known"]), echo(args=["too"]), slow(args=[1]))
    await asyncio.gather(together.ping(), together.ping())  # what waits longer than the hold needs a second connection
    before = await reads(redis)
    first = asyncio.ensure_future(slow(args=[3_000_000]))
    await asyncio.sleep(0.001)
    later = []
    for at in range(5):
        later.append(asyncio.ensure_future(echo(args=[at])))
        await asyncio.sleep(0)  # a turn of its own each, and no time in which the first one could come back
    assert await asyncio.gather(*later) == [b"%d" % at for at in range(5)]
    assert await first == 1
    assert await reads(redis) - before <= 4


URGENT: dict[str, Callable[[Scripts], Awaitable[object]]] = {
    "of posts": lambda scripts: Intake(scripts).begun([], {}),
    "of a slot that has come": lambda scripts: scripts.run("rate_open", vendor="forager", bucket="forager"),
}


@pytest.mark.parametrize("step", URGENT.values(), ids=URGENT)
async def test_urgent_step_leaves_while_another_is_on_its_way(
    monkeypatch: pytest.MonkeyPatch, step: Callable[[Scripts], Awaitable[object]]
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = b""
        while heard.count(b"EVALSHA") < 2:
            heard += await reader.read(1_000)
        writer.write(b"+first\r\n+second\r\n")
        await reader.read()
        writer.close()

    monkeypatch.setattr("worker.redis.together.HOLD_S", DAYS)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    pool = ConnectionPool(host=host, port=port, lib_name=None, lib_version=None)
    scripts = Scripts(Together(connection_pool=pool))
    under_way = asyncio.ensure_future(scripts.run("time_now"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it has left
    async with asyncio.timeout(10):
        assert await step(scripts) == b"second"
    assert await under_way == b"first"
    await scripts.redis.aclose()
    await pool.disconnect()
    server.close()


async def test_closed_client_opens_no_connection_anew(together: Together) -> None:
    echo = together.register_script(ECHO)
    under_way = asyncio.ensure_future(echo(args=["a"]))
    await asyncio.sleep(0)
    await together.aclose()
    assert await under_way == b"a"
    with pytest.raises(RedisConnectionError):
        await echo(args=["b"])


async def scripts_run(redis: Redis) -> int:
    return int((await redis.info("commandstats"))["cmdstat_evalsha"]["calls"])


async def test_script_waits_for_others_of_its_kind_and_leaves_with_the_first_that_is_in_a_hurry(
    together: Together, redis: Redis
) -> None:
    echo, other = together.register_script(ECHO), together.register_script("return ARGV[1] .. '!'")
    await asyncio.gather(*(script(args=["known"]) for script in (echo, echo, other)))
    before = await scripts_run(redis)
    waiting, stays = [echo.begun([at], DAYS) for at in range(5)], other.begun(["a"], DAYS)
    await together.ping()
    assert not any(one.done() for one in (*waiting, stays))
    assert await echo(args=["soon"]) == b"soon"
    assert await asyncio.gather(*waiting) == [b"%d" % at for at in range(5)]
    assert await scripts_run(redis) - before == 1
    assert not stays.done()
    together.hasten()
    assert await stays == b"a!"


async def test_script_that_waits_leaves_when_its_time_is_over(together: Together) -> None:
    echo = together.register_script(ECHO)
    patient = echo.begun(["patient"], DAYS)
    assert await echo.begun(["hasty"], 0.001) == b"hasty"
    assert await patient == b"patient"


async def test_enough_scripts_of_a_kind_wait_for_no_more(together: Together) -> None:
    echo = together.register_script(ECHO)
    found = await asyncio.gather(*(echo.begun([at], DAYS) for at in range(ENOUGH)))
    assert found == [b"%d" % at for at in range(ENOUGH)]


async def test_scripts_that_wait_leave_before_the_client_is_closed(together: Together) -> None:
    keep = together.register_script("return redis.call('INCR', 'refill:count')")
    await keep(args=[])
    waiting = [keep.begun([], DAYS) for _ in range(3)]
    await together.aclose()
    assert [await one for one in waiting] == [2, 3, 4]
