"""Recognizes refusals that are about us and about no record: the API version, the app's scope, access to the API.

Pure.
"""

from __future__ import annotations

from connectors.errors import AccessError

_OFF = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})
_UNFIT = frozenset({"INVALID_SESSION_ID"})  # of a fresh session: the app or the user may not use the API


def denied(
    vendor: str, operation: str, status: int, code: str, words: frozenset[str], api_version: str
) -> AccessError | None:
    """Says what to set for a refusal of this kind; ``None`` for any other. ``words`` are those of the message."""
    hint = ""
    if status == 410 or code == "UNSUPPORTED_API_VERSION":
        code = code or "UNSUPPORTED_API_VERSION"
        hint = f"the org does not answer API version {api_version}: set crm.{vendor}.api_version to a newer one (66.0)"
    elif code in _OFF:
        hint = 'API access is switched off: give the user the permission "API Enabled", and the org an edition with it'
    elif "SCOPE" in code or (code in _UNFIT and {"valid", "REST", "API"} <= words):
        hint = 'the session may not use the API: give the app the scope "Manage user data via APIs (api)"'
    return AccessError(vendor, operation, status, code=code, hint=hint) if hint else None
