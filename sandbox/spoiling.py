"""Sends an answer the way a fault rule wants it."""

import asyncio
import gzip
import socket
import struct
from functools import cache
from typing import Any

from aiohttp import web

from sandbox.calls import Call, Reply
from sandbox.faults import Rule, with_field, with_null, without_field
from sandbox.oddities import odd
from sandbox.steering import steered

_PAGE = "<!doctype html><html><head><title>Just a moment...</title></head><body>Checking</body></html>"


async def send_spoiled(rule: Rule, call: Call, reply: Reply) -> web.StreamResponse:
    """Does what `rule.kind` says; see `faults.KINDS`."""
    if rule.kind in {"close", "reset", "garbled_status"}:
        return _without_answer(rule.kind, call)
    if rule.kind in {"cut_body", "reset_mid_body"}:
        return await _half(rule.kind, call, reply)
    spoiled = spoil(rule, call, reply)
    call.entry.status, call.entry.answered = spoiled.status, True
    return spoiled.response()


def spoil(rule: Rule, call: Call, reply: Reply) -> Reply:
    """Returns the faulty reply, for kinds that still send a well-formed response."""
    params: dict[str, Any] = rule.params
    match rule.kind:
        case "status":
            content_type = params.get("content_type", "application/json")
            return Reply(params.get("status", 500), params.get("body"), params.get("headers", {}), content_type)
        case "redirect":
            location = params.get("location", f"https://{call.request.host}{call.request.path_qs}")
            return Reply(params.get("status", 301), None, {"Location": location})
        case "truncated_json":
            raw = reply.raw()
            return Reply(reply.status, raw[: len(raw) // 2], reply.headers)
        case "html":
            return Reply(params.get("status", 200), _PAGE, {}, "text/html; charset=utf-8")
        case "content_type":
            return Reply(reply.status, reply.raw(), reply.headers, params.get("content_type", "text/plain"))
        case "extra_field":
            name, value = params.get("name", "unheard_of"), params.get("value", {"nested": [1]})
            return Reply(reply.status, with_field(reply.body, name, value), reply.headers)
        case "missing_field":
            return Reply(reply.status, without_field(reply.body, params["field"]), reply.headers)
        case "null_field":
            return Reply(reply.status, with_null(reply.body, params["field"]), reply.headers)
        case "odd_value":
            return odd(reply, params.get("seed", 1))
        case "steering_texts":
            return steered(reply, params.get("seed", 1), params.get("share", 1.0))
        case "gzip_bomb":
            return Reply(reply.status, _bomb(), {**reply.headers, "Content-Encoding": "gzip"})
        case "empty_body":
            return Reply(params.get("status", reply.status), None, reply.headers)
        case _:
            return reply


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * (64 << 20))


def _without_answer(kind: str, call: Call) -> web.Response:
    transport = call.request.transport
    if transport is not None:
        if kind == "garbled_status":
            transport.write(b"HTTQ/ one.one all well\r\n\r\n")
        _end(transport, reset=kind == "reset")
    return web.Response()


async def _half(kind: str, call: Call, reply: Reply) -> web.StreamResponse:
    raw = reply.raw()
    response = web.StreamResponse(status=reply.status, headers={**reply.headers, "Content-Type": reply.content_type})
    response.content_length = len(raw) + 1
    await response.prepare(call.request)
    await response.write(raw[: max(1, len(raw) // 2)])
    # the half must leave before the connection does, or the client sees no answer at all
    await asyncio.sleep(0.01)
    transport = call.request.transport
    if transport is not None:
        _end(transport, reset=kind == "reset_mid_body")
    return response


def _end(transport: asyncio.Transport, *, reset: bool) -> None:
    if not reset:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
