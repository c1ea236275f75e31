"""OpenProspect (https://dev.openprospect.io): orders and deliveries of companies with people, blacklists, searches."""

from connectors.openprospect.client import OpenProspect, Options, open_transport
from connectors.openprospect.models import NewEntry, NewOrder, SearchEdit, WantedCompany
from connectors.openprospect.operations import OPERATIONS
from connectors.openprospect.read import DeliveredCompany, Page, delivered

__all__ = [
    "OPERATIONS",
    "DeliveredCompany",
    "NewEntry",
    "NewOrder",
    "OpenProspect",
    "Options",
    "Page",
    "SearchEdit",
    "WantedCompany",
    "delivered",
    "open_transport",
]
