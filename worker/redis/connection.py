"""Connects to the Redis that everything is kept in.

The embedded one or your own, reached, and refused when it may forget.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from config.problems import ConfigError
from config.settings import Settings
from connectors.addresses import is_loopback
from worker.redis.embedded import OLDEST, embedded_redis
from worker.redis.server_fixes import lacks_fixes
from worker.redis.together import Together

log = structlog.get_logger(__name__)
_CONNECTIONS = 64  # shared by all visits of a process: each holds one for a script's time only
_LOADING_S, _LOOK_S = 60.0, 0.2
_LOST = (RedisConnectionError, RedisTimeoutError, OSError)
_REFUSED = (AuthenticationError, NoPermissionError)
OLD = (
    "{} lacks the fixes of the Lua sandbox of October 2025 (CVE-2025-49844), unless its distribution put them in: take "
    "a newer one, since whoever may run scripts on it could leave the sandbox"
)


class Safety(Struct, frozen=True):
    """Holds the facts about a Redis. ``None`` is one that it does not tell; ``notes`` are sentences for ``check``.

    ``dangers`` are those of them that would refuse the start without ``allow_unsafe``.
    """

    server: str  # name and version
    policy: str | None
    appendonly: bool | None
    appendfsync: str | None
    notes: tuple[str, ...] = ()
    dangers: tuple[str, ...] = ()


@asynccontextmanager
async def open_redis(settings: Settings) -> AsyncIterator[Redis]:
    """Yields a client of the configured Redis, checked to be a safe one. Replies are bytes.

    Raises:
        ConfigError: it does not answer, refuses us, or may lose data.
    """
    async with AsyncExitStack() as stack:
        if settings.redis.url is None:
            place: dict[str, Any] = {
                "connection_class": UnixDomainSocketConnection,
                "path": str(await stack.enter_async_context(embedded_redis(settings.data_dir))),
            }
        else:
            place = _place(settings.redis.url.get_secret_value())
        redis = _client(place, timeout_s=5.0, connect_s=2.0, retries=3)
        stack.push_async_callback(redis.aclose)
        safety = await check_safety(redis, allow_unsafe=settings.redis.allow_unsafe)
        for danger in safety.dangers:
            log.error("redis.unsafe", warning=danger)
        yield redis


def beside(redis: Redis, *, timeout_s: float = 5.0, retries: int = 3, connections: int = _CONNECTIONS) -> Redis:
    """Returns a second client of the same Redis, with connections of its own."""
    kwargs: Mapping[str, Any] = redis.connection_pool.connection_kwargs
    place = {key: value for key, value in kwargs.items() if key not in _PATIENCE}
    place |= {"connection_class": redis.connection_pool.connection_class, "max_connections": connections}
    return _client(place, timeout_s=timeout_s, connect_s=min(timeout_s, 2.0), retries=retries)


def hasty(redis: Redis, timeout_s: float = 0.6) -> Redis:
    """Returns a second client of the same Redis that never tries twice: for answers that must come within a second."""
    return beside(redis, timeout_s=timeout_s, retries=0)


_PATIENCE = frozenset({"socket_timeout", "socket_connect_timeout", "retry", "retry_on_error", "health_check_interval"})


def _place(url: str) -> dict[str, Any]:
    """Returns what ``redis.url`` says; over TLS the server's certificate must be for the host it names.

    redis-py 5 checks the chain and not the name unless it is asked to, so a certificate for any other host would be
    handed the password. ``?ssl_check_hostname=false`` in the address still turns the check off, and so does
    ``?ssl_cert_reqs=none``, which asks for no certificate at all.
    """
    try:
        place: dict[str, Any] = dict(parse_url(url))
    except ValueError:
        raise ConfigError(["redis.url cannot be read: write one such as redis://localhost:6379/0"]) from None
    if place.get("connection_class") is SSLConnection and place.get("ssl_cert_reqs") != "none":
        place.setdefault("ssl_check_hostname", True)
    return place


def _open_door(redis: Redis) -> tuple[str, ...]:
    """Returns the danger of a Redis on another host that anybody who reaches it may use."""
    place: Mapping[str, Any] = redis.connection_pool.connection_kwargs
    host = str(place.get("host", ""))
    proved = place.get("password") or place.get("ssl_certfile")
    if not host or is_loopback(host) or proved:
        return ()
    return (f"Redis on {host} takes commands from anybody who reaches it: set a password and name it in redis.url",)


def _where(redis: Redis) -> str:
    """Returns the address of a Redis, without user and password."""
    place: Mapping[str, Any] = redis.connection_pool.connection_kwargs
    return str(place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}")


def _client(place: Mapping[str, Any], *, timeout_s: float, connect_s: float, retries: int) -> Redis:
    backoff = ExponentialBackoff(cap=1, base=0.05) if retries else NoBackoff()
    options: dict[str, Any] = {
        "max_connections": _CONNECTIONS,
        "timeout": timeout_s,  # for a connection to become free
        "socket_timeout": timeout_s,
        "socket_connect_timeout": connect_s,
        # A health check inside the SELECT of a connect connects for its PING, without end where the server refuses us
        # (redis-py 5.3.1). The retries find a dead connection as well.
        "health_check_interval": 0,
        "retry": Retry(backoff, retries),
        "retry_on_error": list(_LOST),
        **place,
    }
    if "path" not in place:
        options["socket_keepalive"] = True
    return Together.on(BlockingConnectionPool(**options), repeats=retries > 0)


async def check_safety(redis: Redis, *, allow_unsafe: bool = False, patience_s: float = _LOADING_S) -> Safety:
    """Asks the server about itself, once it has read its file: before that it says that it keeps nothing.

    Raises:
        ConfigError: it cannot be reached, still reads its file after ``patience_s``, is too old, a cluster or a
            replica, or, unless ``allow_unsafe``, it evicts keys or keeps nothing on disk.
    """
    door = _open_door(redis)
    _refuse(door, allow_unsafe=allow_unsafe)
    try:
        info = await _loaded(redis, patience_s)
        configured = await _configured(redis)
    except RedisError as error:
        if isinstance(error, _REFUSED) or isinstance(error.__cause__, _REFUSED):  # a unix socket wraps it
            raise ConfigError(["Redis refuses our user or password: see redis.url (REFILL_REDIS__URL)"]) from error
        why = f"{_where(redis)} ({type(error).__name__})"
        raise ConfigError([f"Redis does not answer at {why}: see redis.url (REFILL_REDIS__URL)"]) from error
    _refuse_unfit(str(info.get("redis_version", "")), info)
    kind = "valkey" if "valkey_version" in info else "redis"
    version = str(info[f"{kind}_version"])
    aof = info.get("aof_enabled")
    safety = Safety(
        server=f"{kind.capitalize()} {version}",
        policy=configured.get("maxmemory-policy") or info.get("maxmemory_policy"),
        appendonly=bool(aof) if aof is not None else None,
        appendfsync=configured.get("appendfsync"),
    )
    dangers = (*door, *_dangers(safety))
    _refuse(dangers, allow_unsafe=allow_unsafe)
    old = (OLD.format(safety.server),) if lacks_fixes(kind, version) else ()
    return replace(safety, notes=(*dangers, *_notes(safety), *old), dangers=dangers)


def _refuse(dangers: Sequence[str], *, allow_unsafe: bool) -> None:
    if dangers and not allow_unsafe:
        raise ConfigError([f"{danger} (redis.allow_unsafe = true starts anyway)" for danger in dangers])


async def dangers_of(redis: Redis) -> tuple[str, ...]:
    """Says why this server may lose data, as sentences; nothing if it does not answer."""
    try:
        return (await check_safety(redis, allow_unsafe=True, patience_s=0)).dangers
    except ConfigError:
        return ()


async def _loaded(redis: Redis, patience_s: float) -> Mapping[str, Any]:
    """Returns INFO when nothing is being loaded any more."""
    deadline = time.monotonic() + patience_s
    while True:
        info: Mapping[str, Any] = await redis.info("everything")
        if not info.get("loading"):
            return info
        if time.monotonic() >= deadline:
            raise ConfigError(["Redis still reads its data from the disk: try again when it has"])
        await asyncio.sleep(_LOOK_S)


async def _configured(redis: Redis) -> dict[str, str]:
    """Returns CONFIG GET; nothing if a managed Redis blocks it."""
    found: dict[str, str] = {}
    for name in ("maxmemory-policy", "appendfsync"):
        try:
            values = await redis.config_get(name)
        except ResponseError:
            return {}
        found |= {_text(key): _text(value) for key, value in values.items()}
    return found


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _refuse_unfit(version: str, info: Mapping[str, Any]) -> None:
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        raise ConfigError(["Redis does not tell its version, so it cannot be trusted"])
    if tuple(map(int, parts[:2])) < OLDEST:
        raise ConfigError([f"Redis is {version} and must be {OLDEST[0]}.{OLDEST[1]} or newer"])
    if info.get("redis_mode") == "cluster":
        raise ConfigError(["Redis is a cluster, and Refill needs a single node"])
    if info.get("role") == "slave":
        raise ConfigError(["Redis is a replica, which takes no writes: name the primary"])


def _dangers(safety: Safety) -> tuple[str, ...]:
    found = []
    if safety.policy not in {None, "noeviction"}:
        found.append(f"Redis may evict what was paid for: maxmemory-policy is {safety.policy} and must be noeviction")
    if safety.appendonly is False:
        found.append("Redis forgets everything when it restarts: appendonly is no and must be yes")
    if safety.appendfsync == "no":
        found.append("Redis may lose half a minute in a power cut: appendfsync is no and must be everysec or always")
    return tuple(found)


def _notes(safety: Safety) -> tuple[str, ...]:
    found = []
    if safety.policy is None:
        found.append("it does not tell its maxmemory-policy: make sure that it is noeviction")
    if safety.appendonly is None:
        found.append("it does not tell whether appendonly is on: make sure that it is")
    if safety.appendfsync is None:
        found.append("it does not tell appendfsync: a power cut may repeat the last lookups unless it is always")
    elif safety.appendfsync == "everysec":
        found.append("appendfsync is everysec: a power cut of its host may repeat the last second's lookups")
    return tuple(found)
