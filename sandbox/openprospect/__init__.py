"""OpenProspect: orders by clock, deliveries, prospect searches, companies, prospects, blacklists."""

from sandbox.openprospect.vendor import OpenProspect

__all__ = ["OpenProspect"]
