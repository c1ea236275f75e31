"""Holds the switches that a test may turn while the org runs."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Settings:
    page_size: int | None = None
    """Rows of one query page; None: as the caller asks, at most 2,000."""
    rotate_refresh_tokens: bool = False
    token_moods: list[str] = field(default_factory=list)
    """How the next calls of the token endpoint are answered, one by one; names as in `auth.MOODS`."""
    is_sandbox: bool = False
    """A sandbox or scratch org: its JWTs are for the test host."""
    accept_own_audience: bool = False
    """JWT `aud` may be this org's own address. Not in the documented list, and not verified either way."""
    always_unauthorized: bool = False
    """Every data call is answered 401 with a text that no refresh cures."""
    retired_below: float = 31.0
    """API versions below this one are answered 410."""
    api_enabled: bool = True
    """False: every data call is answered 403 API_DISABLED_FOR_ORG."""
    openid: bool = True
    """False: the app's scopes do not open the identity service."""
    token_life_s: float = 7200.0
    """Seconds without use after which a token dies."""
    bulk_delay_s: float = 0.0
    """Seconds a bulk job spends in progress."""
    locator_life_s: float = 172_800.0
