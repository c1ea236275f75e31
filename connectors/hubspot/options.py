"""Holds the options of a HubSpot portal."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from connectors.models import Marks

EXTERNAL_ID = "openprospect_id"
MARKS = Marks("refill_source", "refill_checked_at")


class HubSpotOptions(BaseModel):
    """One portal. Either ``token`` (private app or service key) or the three OAuth values are set.

    ``overlap_s`` must be longer than the search index ever lags behind a write: a window starts that much before the
    end of the last one, so what was indexed late is seen by the next. HubSpot says "after a few moments" only.
    ``index_lag_s`` is how long that usually is: a row that was written so long ago is found by any search.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    base_url: str = "https://api.hubapi.com"
    api_version: Literal["2026-09", "v3"] = "2026-09"
    token: SecretStr | None = None
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    external_id: str = EXTERNAL_ID
    overlap_s: int = 300
    index_lag_s: float = 10.0
    connect_s: float = 10.0
    read_s: float = 60.0
    burst: str = "190/10 seconds"  # a private app's limit from Professional on (usage guidelines, read 2026-11-20)
    daily: str = "250000/day"  # the smallest account's; the answers' headers tell the rest
    reserve: float = 0.2  # share of the day left to the other apps of the account
    search: str = "9/2 seconds"  # 5/s per account, paced at 90 %: arrival jitter eats the rest
