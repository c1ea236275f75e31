"""Imitates HubSpot: records, search, properties, associations and webhooks, in both generations of paths."""

from sandbox.hubspot.hub import HubSpot

__all__ = ["HubSpot"]
