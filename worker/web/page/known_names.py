"""Lists the names that filters suggest: of crms, providers and fields, as the configuration has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from config.settings import Settings


def known_names(settings: Settings) -> Mapping[str, Sequence[str]]:
    """Returns the names by filter. Others may be typed: the journal knows names that are not configured any more."""
    fields = {name for crm in settings.crm.values() for object in crm.objects().values() for name in object.fields}
    return {
        "crm": list(settings.crm),
        "provider": settings.providers.names,
        "field": sorted(fields),
    }
