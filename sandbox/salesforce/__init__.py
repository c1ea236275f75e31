"""Imitates Salesforce: OAuth, SOQL, rows, Collections, Composite, Bulk 2.0 and Outbound Messages."""

from sandbox.salesforce.org import Salesforce

__all__ = ["Salesforce"]
