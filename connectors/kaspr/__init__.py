"""Kaspr (https://docs.developers.kaspr.io): contact data by LinkedIn slug and name, in two generations of one API."""

from connectors.kaspr.client import Kaspr, KasprOptions, open_transport
from connectors.kaspr.operations import OPERATIONS

__all__ = ["OPERATIONS", "Kaspr", "KasprOptions", "open_transport"]
