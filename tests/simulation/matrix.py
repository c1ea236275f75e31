"""The coverage matrix: how often each fault struck each port."""

from __future__ import annotations

from collections import Counter


def table(total: Counter[tuple[str, str]]) -> str:
    """A line for every port, a column for every fault; the first is how often the port was called."""
    faults = ["call", *sorted({fault for _, fault in total} - {"call"})]
    lines = ["port".ljust(44) + " ".join(fault.rjust(max(6, len(fault))) for fault in faults)]
    for port in sorted({port for port, _ in total}):
        counts = [str(total[port, fault] or ".").rjust(max(6, len(fault))) for fault in faults]
        lines.append(port[-43:].ljust(44) + " ".join(counts))
    return "\n".join(lines) + "\n"
