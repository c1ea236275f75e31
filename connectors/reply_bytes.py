"""Gathers the body of a reply as it arrives, unpacked and within bounds: of bytes, of what comes out, of gzip's parts.

Knows no HTTP library: both of ours hand over what they read.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

BODY_CAP = 16 * 1024 * 1024
WIRE_CAP = 2 * BODY_CAP  # with all that is around a body: heads, the lengths of chunks, trailers
MEMBERS = 100  # of a gzip body; one is usual, and each costs more to begin than its bytes
HEADS = 20  # of interim answers (1xx) before the answer; none is usual


class UnsentError(Exception):
    """Says that an attempt failed before a connection stood: no byte of the request left."""


class BrokenError(Exception):
    """Says that an attempt failed once a connection stood: perhaps the vendor did what was asked."""


class UnfitError(BrokenError):
    """Says that the answer is larger than we take, or packed in a way we cannot read."""


_NO_MEMBER = zlib.decompressobj(wbits=31)  # of a body that is not packed: it stays unused


class ReplyBytes:
    """Takes the body of one reply as it arrives. The cap holds for what arrives and for what comes out of it."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin with the reply's head.

        Raises:
            UnfitError: the body is packed in a way that we did not ask for.
        """
        encoding = headers.get("content-encoding", "")
        self._may_be_empty = status in {204, 205, 304} or headers.get("content-length", "").strip() == "0"
        if encoding.lower() not in {"", "identity", "gzip"}:
            raise UnfitError("content encoding")
        self._packed = encoding.lower() == "gzip"
        self._member = zlib.decompressobj(wbits=31) if self._packed else _NO_MEMBER
        self._members = 1
        self._parts: list[bytes] = []
        self._arrived = self._size = 0

    def take(self, chunk: bytes) -> None:
        """Take what has arrived.

        Raises:
            UnfitError: it is too much, or no gzip.
        """
        self._arrived += len(chunk)
        if self._arrived > BODY_CAP:
            raise UnfitError("body size")
        while self._packed and chunk:
            self._keep(self._unpacked(chunk))
            chunk = self._member.unused_data if self._member.eof else b""
            if chunk:
                self._members += 1
                if self._members > MEMBERS:
                    raise UnfitError("gzip members")
                self._member = zlib.decompressobj(wbits=31)
        if not self._packed:
            self._keep(chunk)

    def whole(self) -> bytes:
        """Returns the body, now that no more comes.

        Raises:
            BrokenError: it was cut short.
        """
        if self._packed and not self._member.eof and (self._arrived or not self._may_be_empty):
            raise BrokenError("gzip cut short")
        return b"".join(self._parts)

    def _unpacked(self, chunk: bytes) -> bytes:
        try:
            return self._member.decompress(chunk, BODY_CAP - self._size + 1)
        except zlib.error as failure:
            raise UnfitError("gzip") from failure

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > BODY_CAP:
            raise UnfitError("body size")
        self._parts.append(part)
