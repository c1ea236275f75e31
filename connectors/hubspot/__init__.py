"""HubSpot as a system of record, by its 2026-09 and v3 paths."""

from connectors.hubspot.client import HubSpot
from connectors.hubspot.options import HubSpotOptions

__all__ = ["HubSpot", "HubSpotOptions"]
