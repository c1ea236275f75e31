"""Reads Salesforce's Outbound Messages, and the JSON that a Flow or Apex of the org posts. Pure.

Source: the SOAP API guide's outbound messaging, read 2026-11-20. Messages carry no signature: the organization id is
checked beside a secret in the path. The session id is never read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser
from msgspec import Struct
from msgspec.structs import replace

from connectors.salesforce.ids import is_id, known_id, long_id, same_id
from connectors.salesforce.records import TABLES

MOST_NOTIFICATIONS = 100
MOST_IDS = 200
# The cost of reading goes by elements, their attributes and the length of names, not by bytes alone. A field of a row
# takes about forty bytes, so a MiB has fewer than this many; an element of a message declares its spaces and its type.
_MOST_DEEP, _MOST_PARTS, _MOST_ATTRIBUTES, _MOST_SPACES, _LONGEST_NAME = 8, 26_000, 8, 1_000, 128
_ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
_RECORD = "{urn:sobject.enterprise.soap.sforce.com}", "{urn:sobject.partner.soap.sforce.com}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_MESSAGE = (f"{_ENVELOPE}Envelope", f"{_ENVELOPE}Body", f"{_OUTBOUND}notifications")
_NOTIFICATION = (*_MESSAGE, f"{_OUTBOUND}Notification")
_ROW = (*_NOTIFICATION, f"{_OUTBOUND}sObject")
_WRITER = tuple(f"{space}LastModifiedById" for space in _RECORD)
_WANTED = {*(f"{space}Id" for space in _RECORD), *_WRITER}
_CROWDED = re.compile(  # an attribute more than that in one tag, which the parser would read whole before it tells
    rb"<[^\s<>!?/]++(?:\s++[^\s=<>]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+')){%d}" % (_MOST_ATTRIBUTES + 1)
)
_ENCODING = re.compile(rb"^<\?xml[^>]*\bencoding\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_OURS = {table.lower(): name for name, table in TABLES.items()} | {name: name for name in TABLES}

ACK = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Message(Struct, frozen=True):
    """Holds a post's rows: our object -> record ids of 18 characters. ``ignored`` counts rows of other objects.

    ``writers`` are the users who wrote a record last, by its id, if the post names them.
    """

    organization_id: str
    ids: Mapping[str, tuple[str, ...]] = {}
    ignored: int = 0
    writers: Mapping[str, str] = {}


def without_echoes(message: Message, user_id: str) -> Message:
    """Returns the message without the records that ``user_id``, our own user, wrote last.

    An Outbound Message shows a record as it is when it is sent. Sent late, one about a person's edit may name us,
    because we wrote since. That loses nothing that stays lost: our visit read the record before it wrote, so it saw
    the edit. One made between that read and our write, a moment later, is found by the poll and the sweep: the record
    is not what the visit remembers then.
    """
    ids = {
        name: tuple(one for one in those if not same_id(message.writers.get(one, ""), user_id))
        for name, those in message.ids.items()
    }
    return replace(message, ids={name: those for name, those in ids.items() if those})


def outbound(body: bytes) -> Message:
    """Returns the Outbound Message in ``body``.

    Raises:
        ValueError: it is none: not well-formed UTF-8, with a document type, entities, comments or instructions, deeper
            or larger than any such message, or without an organization id and ids.
    """
    reader = _Reader()
    parser = DefusedXMLParser(target=reader, encoding="utf-8", forbid_dtd=True)
    try:
        body.decode("utf-8")
        encoding = _ENCODING.match(body)
        if encoding and encoding[1].lower() not in {b"utf-8", b"us-ascii"}:
            raise ValueError("another encoding than UTF-8")
        if body.count(b"<") > 2 * _MOST_PARTS or body.count(b"xmlns") > _MOST_SPACES or _CROWDED.search(body):
            raise ValueError("not the shape of an outbound message")
        parser.feed(body)
        parser.close()
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(type(error).__name__) from None
    if not reader.seen or not is_id(reader.organization_id):
        raise ValueError("no notifications")
    ignored = sum(not name for name, _ in reader.rows)
    return Message(reader.organization_id, _by_object(reader.rows), ignored, _agreed(reader.writers))


class _Reader:
    """Takes the few texts we need as they pass; builds no tree."""

    def __init__(self) -> None:
        self.organization_id = ""
        self.rows: list[tuple[str, str]] = []
        self.writers: list[tuple[str, str]] = []  # of every row its id and its last writer, "" if unknown
        self.seen = 0  # notifications, of which each has one row
        self._path: list[str] = []
        self._elements = self._attributes = 0
        self._has_row = False
        self._known: set[str] = set()  # the row's own values
        self._object, self._writer = "", ""
        self._text: list[str] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(tag) > _LONGEST_NAME or any(len(name) > _LONGEST_NAME for name in attributes):
            raise ValueError("longer names than a message has")  # each costs its namespace, at every element
        self._path.append(tag)
        self._elements += 1
        self._attributes += len(attributes)
        if len(self._path) > _MOST_DEEP or self._elements > _MOST_PARTS or self._attributes > _MOST_PARTS:
            raise ValueError("not the shape of an outbound message")
        if self._text is not None:
            raise ValueError("an id holds elements")
        path = tuple(self._path)
        if path == _NOTIFICATION:
            self.seen += 1
            if self.seen > MOST_NOTIFICATIONS:
                raise ValueError("more notifications than a message has")
            self._has_row = False
        elif path == _ROW:
            if self._has_row:
                raise ValueError("a notification has one row")
            self._has_row, self._known = True, set()
            self._object, self._writer = _OURS.get(attributes.get(_TYPE, "").rpartition(":")[2].lower(), ""), ""
        self._text = [] if self._is_wanted(path) else None

    def _is_wanted(self, path: tuple[str, ...]) -> bool:
        if path == (*_MESSAGE, f"{_OUTBOUND}OrganizationId"):
            return True
        return len(path) == 6 and path[:5] == _ROW and path[5] in _WANTED

    def data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def end(self, tag: str) -> None:
        if tuple(self._path) == _ROW:  # its fields come in any order
            self.writers += [(id, self._writer) for _, id in self.rows[len(self.writers) :]]
        self._path.pop()
        if self._text is None:
            return
        text, self._text = "".join(self._text).strip(), None
        if tag == f"{_OUTBOUND}OrganizationId":
            if self.organization_id:
                raise ValueError("a message has one organization id")
            self.organization_id = text
            return
        if tag in self._known:
            raise ValueError("a row tells each thing once")
        self._known.add(tag)
        if tag in _WRITER:
            self._writer = text
        else:
            self.rows.append((self._object, long_id(text)))

    def comment(self, _: str) -> None:
        raise ValueError("a message has no comments")

    def pi(self, *_: str) -> None:
        raise ValueError("a message has no instructions")

    def close(self) -> None:
        """Serves the parser, which asks for it."""


def callout(body: Any) -> Message:
    """Returns the message of a Flow or Apex callout: ``{"object": "Contact", "ids": [...], "org_id": ...}``.

    ``last_modified_by_id``, if given, maps ids to the user who wrote the record last.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(body, Mapping):
        raise ValueError("not an object")  # noqa: TRY004  # one class for whatever is no message
    name, ids, org = body.get("object"), body.get("ids"), body.get("org_id", "")
    if not isinstance(name, str) or not isinstance(org, str):
        raise ValueError("object and org_id are texts")  # noqa: TRY004  # as above
    if not isinstance(ids, list) or not 0 < len(ids) <= MOST_IDS:
        raise ValueError("ids is a list of 1 to 200 record ids")
    if not all(isinstance(one, str) for one in ids):
        raise ValueError("ids holds what is no record id")
    writers = body.get("last_modified_by_id") or {}
    if not isinstance(writers, Mapping) or not all(one is None or isinstance(one, str) for one in writers.values()):
        raise ValueError("last_modified_by_id maps record ids to user ids")
    object_ = _OURS.get(name.lower(), "")
    rows = [(object_, long_id(one)) for one in ids]
    by = {known_id(one): user or "" for one, user in writers.items()}
    writers = _agreed([(id, by.get(id, "")) for _, id in rows])
    return Message(org, _by_object(rows), 0 if object_ else len(ids), writers)


def _agreed(writers: list[tuple[str, str]]) -> dict[str, str]:
    """Returns the last writer of each record for which all rows agree."""
    found: dict[str, set[str]] = {}
    for id, writer in writers:
        found.setdefault(id, set()).add(known_id(writer))
    return {id: writer for id, (writer, *others) in found.items() if writer and not others}


def _by_object(rows: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for name, one in rows:
        if name:
            found.setdefault(name, {})[one] = None
    return {name: tuple(ids) for name, ids in found.items()}
