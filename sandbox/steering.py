"""Puts characters into every text of an answer that steer a terminal, a reader's eye, a sheet or a markup language."""

import json
import random
from dataclasses import replace
from typing import Any

from sandbox.calls import Reply

TEXTS: tuple[str, ...] = (
    *("\x1b[31m", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]52;c;ZWNobw==\x07", "\x1bP1$r\x1b\\", "\x9b5A"),
    *("\x1b]8;;https://evil.example/\x1b\\here\x1b]8;;\x1b\\", "\x00", "\x07", "\x08\x08", "\x7f", "\r", "\r\n", "\n"),
    *("\u202e", "\u2066", "\u2069", "\u200f", "\u061c", "\u200b", "\ufeff", "\u2028", "\u2029", "\u0085", "\xad"),
    *("\U000e0041", "\ud800", "[/b]", "[bold red]", "[link=https://evil.example/]", "[@click=app.bell]", ":phone:"),
    *("\nall is well",),
    *("\x90q\x9c", "\\[", "=1+1", "@SUM(1)", "\t=1", "</script><b>", '\n{"event": "worker.started"}', "%s{0}{a.b}"),
)  # fmt: skip


def steered(reply: Reply, seed: int, share: float) -> Reply:
    """Returns the reply with such a text in a ``share`` of its texts, field names aside; the same for one seed."""
    chance = random.Random(seed)

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: put(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [put(inner) for inner in value]
        if not isinstance(value, str) or chance.random() >= share:
            return value
        at = chance.choice((0, len(value) // 2, len(value)))
        return value[:at] + chance.choice(TEXTS) + value[at:]

    return replace(reply, body=json.dumps(put(reply.body)).encode("ascii"))
