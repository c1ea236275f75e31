"""Imitates Forager: contact lookups, person detail, searches, autocomplete, feedback, keys, balance and its log."""

from sandbox.forager.vendor import Forager

__all__ = ["Forager"]
