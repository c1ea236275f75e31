"""Holds the options of a set of sandbox vendors."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.mistakes import FRIENDLY, Mistakes

_FIRST = ("forager", "kaspr", "openprospect", "hubspot", "salesforce")
_FOLDERS = {one.parent.name for one in Path(__file__).parent.glob("*/__init__.py")}
VENDORS = (*_FIRST, *sorted(_FOLDERS - set(_FIRST)))
"""A vendor is a folder here that gives one `Vendor`; a new one comes last, so that the others keep their ports."""


@dataclass(frozen=True, slots=True)
class Options:
    """Defines a world. Equal `seed`, `records`, `companies`, `searches`, `delivered_*`, `mistakes`: the same world."""

    vendors: tuple[str, ...] = VENDORS
    seed: int = 1
    records: int = 300
    """Rows in each CRM."""
    companies: int = 80
    """Companies the CRMs know; OpenProspect knows a few more."""
    searches: int = 1
    """OpenProspect prospect searches with deliveries."""
    delivered_companies: int = 12
    """Per search."""
    delivered_prospects: int = 30
    """Per search."""
    limits: str = "none"
    """`none`, `demo` (windows that let a demonstration end in a minute) or `real`."""
    latency: str = "none"
    """`none`, `demo` or `real`."""
    faults: str = "none"
    """`none`, `light`, `medium` or `heavy`: faults by chance on every route, the same for the same seed."""
    index_lag: float = 0.0
    """Seconds until a CRM's search sees a write."""
    host: str = "127.0.0.1"
    port_base: int = 0
    """0: ephemeral ports; else base, base + 1, ... in the order of `VENDORS`."""
    books_kept: int | None = None
    """Entries kept per kind and vendor; None keeps all."""
    credits: int = 100_000
    """Balance of each paid provider at the start."""
    kaspr_dialect: str = "both"
    """`reference`, `v2` or `both`."""
    kaspr_auth: str = "any"
    """`bearer`, `raw` or `any`."""
    order_speed: float = 1.0
    """How many times faster than the clock an OpenProspect order walks through its stages."""
    mistakes: Mistakes = FRIENDLY
    """How much of what CRMs and providers hold is mistaken."""
