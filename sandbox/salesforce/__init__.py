"""Imitates Salesforce: OAuth, SOQL, rows, Collections, Composite, Bulk 2.0 and Outbound Messages."""

from sandbox.salesforce.control import add_org_control as add_own_control
from sandbox.salesforce.org import Salesforce

__all__ = ["Salesforce", "add_own_control"]
