"""Forager (https://docs.forager.ai): people, companies and jobs by filters, contact data by LinkedIn slug.

``operations`` follows the order of the vendor's reference, ``read`` says what replies mean.
"""

from connectors.forager.client import Forager, ForagerOptions, account_of, open_transport
from connectors.forager.operations import OPERATIONS, SUGGESTIONS
from connectors.forager.queries import JobQuery, OrganizationQuery, RoleQuery, quoted

__all__ = [
    "OPERATIONS",
    "SUGGESTIONS",
    "Forager",
    "ForagerOptions",
    "JobQuery",
    "OrganizationQuery",
    "RoleQuery",
    "account_of",
    "open_transport",
    "quoted",
]
