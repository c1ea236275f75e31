"""Salesforce as a system of record, by simple-salesforce with a login of our own."""

from connectors.salesforce.client import Salesforce
from connectors.salesforce.options import SalesforceOptions

__all__ = ["Salesforce", "SalesforceOptions"]
