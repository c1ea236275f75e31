"""Connects Forager (https://docs.forager.ai): people, companies and jobs by filters, contact data by LinkedIn slug.

``operations`` follows the order of the vendor's reference, ``read`` says what replies mean.
"""

from __future__ import annotations

from connectors.forager.options import ForagerOptions
from connectors.limits import Limiter
from connectors.ports import PaidVendor, Provider


def _open(options: ForagerOptions, limiter: Limiter) -> Provider:
    from connectors.forager.client import Forager

    return Forager.opened(options, limiter)


VENDOR = PaidVendor(ForagerOptions, _open, keeps_log=True)
