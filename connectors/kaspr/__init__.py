"""Connects Kaspr: contact data by LinkedIn slug and name, in two generations of one API.

Reference: https://docs.developers.kaspr.io.
"""

from __future__ import annotations

from connectors.kaspr.options import KasprOptions
from connectors.limits import Limiter
from connectors.ports import PaidVendor, Provider


def _open(options: KasprOptions, limiter: Limiter) -> Provider:
    from connectors.kaspr.client import Kaspr

    return Kaspr.opened(options, limiter)


VENDOR = PaidVendor(KasprOptions, _open, keeps_log=False)
