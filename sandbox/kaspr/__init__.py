"""Imitates Kaspr in both dialects: keys, the lead profile, company patterns and employees."""

from sandbox.kaspr.vendor import Kaspr

__all__ = ["Kaspr"]
