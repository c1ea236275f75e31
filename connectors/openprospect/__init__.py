"""OpenProspect (https://dev.openprospect.io): orders and deliveries of companies with people, blacklists, searches."""

from connectors.openprospect.client import OpenProspect, OpenProspectOptions, open_transport
from connectors.openprospect.models import NewEntry, NewOrder, SearchEdit, WantedCompany
from connectors.openprospect.operations import OPERATIONS
from connectors.openprospect.read import DeliveredCompany, ListPage, delivered

__all__ = [
    "OPERATIONS",
    "DeliveredCompany",
    "ListPage",
    "NewEntry",
    "NewOrder",
    "OpenProspect",
    "OpenProspectOptions",
    "SearchEdit",
    "WantedCompany",
    "delivered",
    "open_transport",
]
