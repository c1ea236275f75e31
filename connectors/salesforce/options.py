"""Holds the options of a Salesforce org."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from connectors.models import Marks

EXTERNAL_ID = "OpenProspect_Id__c"
MARKS = Marks("Refill_Source__c", "Refill_Checked_At__c")


class SalesforceOptions(BaseModel):
    """One org. Which secrets are needed follows from ``auth``; ``base_url`` is the org's My Domain.

    ``overlap_s``: a row is stamped inside its transaction and seen at its commit, so each pass starts that much
    before the end of the last one. It must be longer than the org's longest transaction.
    ``allow_duplicates`` passes over duplicate rules that only warn.
    ``strict`` writes by conditional updates of 25 rows a call instead of 200.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    base_url: str
    org_id: str = ""  # when set, a login to any other org is refused
    login_base: str | None = None  # the token host; unset: base_url, since My Domain serves every flow
    audience: str = ""  # of the JWT; empty: production's or, for a sandbox's host, test's
    auth: Literal["client_credentials", "jwt", "refresh_token"] = "client_credentials"
    api_version: str = "66.0"
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    username: SecretStr | None = None
    private_key_file: Path | None = None
    refresh_token: SecretStr | None = None
    external_id: str = EXTERNAL_ID
    allow_duplicates: bool = False
    strict: bool = False
    overlap_s: int = 600
    daily: str = "100000/day"  # an Enterprise org's floor; the answers' headers tell the rest
    reserve: float = 0.2  # share of the day left to the customer's other apps
    concurrency: int = 5  # calls at once: a developer org refuses more than 5 slow ones
    connect_s: float = 10.0
    read_s: float = 60.0
