"""Imitates HubSpot: records, search, properties, associations and webhooks, in both generations of paths."""

from sandbox.hubspot.control import add_portal_control as add_own_control
from sandbox.hubspot.hub import HubSpot

__all__ = ["HubSpot", "add_own_control"]
