"""Bounds how many of the process's descriptors connections from outside may hold."""

from __future__ import annotations

import contextlib
import resource

WANTED = 65_536
MOST = 8_192  # connections; more than any vendor's webhooks open


def raise_limit() -> int:
    """Raises the soft limit of open files as far as the hard one allows; returns the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return WANTED if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def most_connections(soft_limit: int) -> int:
    """Returns how many connections may be open: half of the descriptors stay for Redis, vendors and the spool."""
    return max(16, min(MOST, soft_limit // 2))
