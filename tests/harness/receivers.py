"""Receives alerts on this machine: an HTTP server, and a mail server with as much SMTP as is needed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass(slots=True)
class Received:
    """Holds one post: path with query, headers in small letters, and the body's bytes."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Receiver:
    """Keeps what it gets. ``status`` is its answer to posts, which it gives once ``answers`` is set."""

    port: int = 0
    status: int = 200
    posts: list[Received] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def texts(self, path: str) -> list[str]:
        """Returns what was posted to a path, as one text each."""
        return [one.body.decode() for one in self.posts if one.target.partition("?")[0] == path]


@contextlib.asynccontextmanager
async def http_receiver() -> AsyncIterator[Receiver]:
    """Yields a server that takes posts."""
    receiver = Receiver()
    receiver.answers.set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:-2])}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                receiver.posts.append(Received(head[0].split()[1], headers, body))
                await receiver.answers.wait()
                writer.write(f"HTTP/1.1 {receiver.status} Ended\r\ncontent-length: 2\r\n\r\nok".encode())
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver


@contextlib.asynccontextmanager
async def mail_receiver(
    security: str = "none", context: ssl.SSLContext | None = None, account: tuple[str, str] = ("", "")
) -> AsyncIterator[Receiver]:
    """Yields a mail server; it refuses receivers in ``refused``.

    Over ``tls`` from the first byte, or from ``starttls`` on; with an ``account`` it takes mail of that one alone, and
    offers the sign-in where it is encrypted.
    """
    receiver = Receiver()
    wanted = b64encode(f"\0{account[0]}\0{account[1]}".encode()).decode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure, known = security == "tls", not any(account)
        writer.write(b"220 here ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            word, reply = line[:4].upper(), b"250 ok\r\n"
            match word:
                case "EHLO":
                    offers = ["STARTTLS"] if security == "starttls" and not secure else []
                    offers += ["AUTH PLAIN"] if secure and any(account) else []
                    lines = ["here", *offers]
                    marks = ["-"] * (len(lines) - 1) + [" "]
                    reply = "".join(f"250{mark}{one}\r\n" for mark, one in zip(marks, lines, strict=True)).encode()
                case "STAR":
                    writer.write(b"220 go on\r\n")
                    await writer.start_tls(context)  # type: ignore[arg-type]
                    secure = True
                    continue
                case "AUTH":
                    known = secure and line.split()[2] == wanted
                    reply = b"235 welcome\r\n" if known else b"535 no\r\n"
                case "RCPT" if any(one in line for one in receiver.refused):
                    reply = b"550 nobody\r\n"
                case "MAIL" if not known or (security != "none" and not secure):
                    reply = b"530 sign in first\r\n"
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    text = await reader.readuntil(b"\r\n.\r\n")
                    receiver.mails.append(message_from_bytes(text[:-3], policy=policy.default))
                case "QUIT":
                    break
            writer.write(reply)
        writer.write(b"221 bye\r\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context if security == "tls" else None)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
