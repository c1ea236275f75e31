"""Decides on how many examples a rule is shown."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

COMMON = 100  # of a rule that does not say how many


def examples(count: int, *, short: int = 0, steps: int = 50) -> settings:
    """Returns ``count`` in ``make slow``, a quarter or ``short`` in ``make test``, twenty times it in ``make explore``.

    ``steps`` are of a state machine.
    """
    usual = settings().max_examples
    return settings(
        max_examples=short if short and usual < COMMON else count * usual // COMMON,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
