"""Adds to a bill of materials the hashes that the lock names: python -m tools.sbom BILL LOCKED.

BILL is read from the installed packages, which know their licences and what they need; LOCKED from the lock, which
knows each file's hash. Only the installer itself is installed and not locked; it leaves the bill.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any


def completed(bill: dict[str, Any], locked: dict[str, Any]) -> dict[str, Any]:
    """Returns the bill with the hashes of the lock, and without what the lock does not name."""
    files = {_name(one): one.get("externalReferences", []) for one in locked["components"]}
    shipped = [one for one in bill["components"] if _name(one) in files]
    for one in shipped:
        one["externalReferences"] = [*one.get("externalReferences", []), *files[_name(one)]]
    if missing := sorted(files.keys() - {_name(one) for one in shipped}):
        print(f"in the lock and not installed here: {', '.join(missing)}", file=sys.stderr)
    root = bill["metadata"]["component"]["bom-ref"]
    known = {root, *(one["bom-ref"] for one in shipped)}
    needs = [
        one | {"dependsOn": [need for need in one["dependsOn"] if need in known]} if "dependsOn" in one else one
        for one in bill["dependencies"]
        if one["ref"] in known
    ]
    return bill | {"components": shipped, "dependencies": needs}


def _name(component: dict[str, Any]) -> str:
    """Returns a package's one name, which authors spell as they like."""
    return re.sub(r"[-_.]+", "-", component["name"]).lower()


if __name__ == "__main__":
    bill, lock = Path(sys.argv[1]), Path(sys.argv[2])
    text = json.dumps(completed(json.loads(bill.read_text("utf-8")), json.loads(lock.read_text("utf-8"))), indent=2)
    bill.write_text(f"{text}\n", encoding="utf-8")
