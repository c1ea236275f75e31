"""Imitates OpenProspect: timed orders, deliveries, prospect searches, companies, prospects, blacklists."""

from sandbox.openprospect.vendor import OpenProspect

__all__ = ["OpenProspect"]
