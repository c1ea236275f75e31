"""Checks the locks against published advisories, from a dated file: no network is needed to know.

``make check`` fails on a pin that an advisory affects, unless the file accepts that one with a reason. The file is
renewed where a network is (``make advisories``): the database of osv.dev is asked for every package of every lock. The
file names whom it was asked about, and the gate tells of pins that nobody has asked about.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from tools.closed_lock import ROOT, Member, members

FILE = Path(__file__).with_name("advisories.json")
DATABASE = "https://api.osv.dev"
OLD_DAYS = 60
ANSWER_S = 30
FEW = 5  # names that a remark shows
SOURCE = "osv.dev, asked for every package of the locks"


def affected(lock: Iterable[Member], known: Mapping[str, Any]) -> list[str]:
    """Returns a sentence for every pin that an advisory affects and nobody accepted."""
    return [
        f"{member.name} {member.version} is affected by {one['id']} ({one['summary']}): "
        f"use {' or '.join(one['fixed']) or 'another package, since no version mends it'}"
        for member in lock
        for one in known["advisories"].get(member.name, ())
        if one["id"] not in known["accepted"] and is_in(member.version, one["affected"])
    ]


def is_in(version: str, ranges: Sequence[str]) -> bool:
    """Tells whether a version is in one of the ranges, each written as a specifier."""
    return any(SpecifierSet(one).contains(version, prereleases=True) for one in ranges)


def every_lock() -> list[Path]:
    """Returns the locks of the project: for shipping, building, testing and documenting it."""
    return sorted(ROOT.glob("requirements*.lock"))


def unasked(lock: Iterable[Member], known: Mapping[str, Any]) -> str:
    """Returns a remark about the packages that no database was asked about, else nothing."""
    rest = sorted({one.name for one in lock} - {*known["asked"], *known["advisories"]})
    few = ", ".join(rest[:FEW]) + (", ..." if len(rest) > FEW else "")
    return f"{len(rest)} packages have not been asked about ({few}): run make advisories" if rest else ""


def age(known: Mapping[str, Any], today: date) -> str:
    """Returns a remark about a file that nobody has renewed for long, else nothing."""
    days = (today - date.fromisoformat(known["as_of"])).days
    return f"advisories are of {known['as_of']}, {days} days ago: run make advisories" if days > OLD_DAYS else ""


# ---- renewing --------------------------------------------------------------------------------------------------------


def renewed(lock: Iterable[Member], known: Mapping[str, Any], today: date, database: str) -> dict[str, Any]:
    """Asks the database about every member; what was accepted stays so.

    Raises:
        OSError: it does not answer.
        ValueError: its answer is another than documented.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    names = sorted({one.name for one in lock})
    for name in names:
        if rows := [read(row, name) for row in asked(database, name)]:
            found[name] = sorted((one for one in rows if one["affected"]), key=lambda one: str(one["id"]))
    told = {"as_of": today.isoformat(), "source": SOURCE, "asked": names}
    return told | {"accepted": known["accepted"], "advisories": found}


def asked(database: str, name: str) -> Iterator[Mapping[str, Any]]:
    """Gives the advisories of one package that were not withdrawn, page by page."""
    page = ""
    while True:
        question = {"package": {"name": name, "ecosystem": "PyPI"}, **({"page_token": page} if page else {})}
        request = urllib.request.Request(  # noqa: S310 - the address is ours
            f"{database}/v1/query", json.dumps(question).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=ANSWER_S) as reply:  # noqa: S310
            told = json.load(reply)
        yield from (row for row in told.get("vulns", ()) if "withdrawn" not in row)
        page = told.get("next_page_token", "")
        if not page:
            return


def read(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Reads one advisory of the database as far as it is about a package."""
    events = [
        one["events"]
        for place in row.get("affected", ())
        if re.sub(r"[-_.]+", "-", place.get("package", {}).get("name", "")).lower() == name
        for one in place.get("ranges", ())
        if one.get("type") == "ECOSYSTEM"
    ]
    ranges = [text for one in events for text in ranges_of(one)]
    fixed = [event["fixed"] for one in events for event in one if "fixed" in event]
    cve = next((alias for alias in row.get("aliases", ()) if alias.startswith("CVE-")), str(row["id"]))
    summary = str(row.get("summary") or row.get("details") or "no summary").split("\n")[0][:120]
    return {"id": cve, "affected": sorted({*ranges}), "fixed": sorted({*fixed}), "summary": summary}


def ranges_of(events: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Turns the events of one range into specifiers: ``introduced`` opens one, the event after it closes it."""
    since = ""
    for event in events:
        if "introduced" in event:
            since = "" if event["introduced"] == "0" else f">={event['introduced']},"
        elif "fixed" in event:
            yield f"{since}<{event['fixed']}"
            since = ""
        elif "last_affected" in event:
            yield f"{since}<={event['last_affected']}"
            since = ""
    if events and "introduced" in events[-1]:
        yield since.rstrip(",") or ">=0"


# ---- the command -----------------------------------------------------------------------------------------------------


def mistakes(known: Mapping[str, Any]) -> list[str]:
    """Returns the faults of the file itself: a range that cannot be read would affect nothing."""
    found = []
    for name, rows in known["advisories"].items():
        for one in rows:
            try:
                ranges, fixed = [SpecifierSet(text) for text in one["affected"]], [Version(v) for v in one["fixed"]]
            except (InvalidSpecifier, InvalidVersion) as error:
                found.append(f"{name} {one['id']}: {error}")
                continue
            if not ranges or any(is_in(str(version), one["affected"]) for version in fixed):
                found.append(f"{name} {one['id']}: its fixed version is affected too, or none is")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks every lock, or renews the file; exit code 1 says that a pin is affected or nothing was renewed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--renew", action="store_true", help="ask the database and write the file anew")
    parser.add_argument("--database", default=DATABASE)
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--lock", type=Path, action="append", help="a lock to check (default: each of the project)")
    given = parser.parse_args(arguments)
    known, today = json.loads(given.file.read_text("utf-8")), datetime.now(UTC).date()
    lock = [one for path in given.lock or every_lock() for one in members(path.read_text("utf-8"))]
    if given.renew:
        try:
            known = renewed(lock, known, today, given.database)
        except (OSError, ValueError, KeyError) as error:
            sys.stderr.write(f"{given.database} cannot be read ({type(error).__name__}): nothing was renewed\n")
            return 1
        given.file.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stderr.write("".join(f"{remark}\n" for remark in (age(known, today), unasked(lock, known)) if remark))
    found = list(dict.fromkeys([*mistakes(known), *affected(lock, known)]))
    sys.stderr.write("".join(f"{one}\n" for one in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
