"""How many examples a rule is shown on."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

_COMMON = settings.get_profile("default").max_examples


def examples(count: int, *, steps: int = 50) -> settings:
    """So many in ``make test``, as many times more as ``make explore`` asks for; ``steps`` are of a state machine."""
    return settings(
        max_examples=count * settings().max_examples // _COMMON,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
