"""Holds the options of a Salesforce org."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from connectors.limits import Window
from connectors.models import Provenance
from connectors.options import Options, Place, Url
from connectors.salesforce.ids import long_id

PROVENANCE = Provenance("Refill_Source__c", "Refill_Checked_At__c")
# A row is stamped inside its transaction and seen at its commit, so each pass starts so much before the end of the last
# one. This must be longer than the org's longest transaction.
OVERLAP_S = 600
DAILY = Window(100_000, 86_400)  # an Enterprise org's floor; the answers' headers tell the rest
RESERVE = 0.2  # share of the day left to the customer's other apps
CONCURRENCY = 5  # calls at once: a developer org refuses more than 5 slow ones


def _spelled(text: str) -> str:
    try:
        return long_id(text)
    except ValueError as error:
        raise ValueError(f'"{text}" {error}') from None


class SalesforceOptions(Options):
    """Represents one org. Which secrets are needed follows from ``auth``; ``base_url`` is the org's My Domain.

    ``strict`` writes by conditional updates of 25 rows a call instead of 200.
    """

    base_url: Url
    auth: Literal["client_credentials", "jwt", "refresh_token"] = "client_credentials"
    login_base: Url | None = None  # the token host; unset: base_url, since My Domain serves every flow
    audience: Url | None = None  # of the JWT; unset: production's or, for a sandbox's host, test's
    api_version: str = Field(default="66.0", pattern=r"^\d{2,3}\.0$")
    org_id: Annotated[str, AfterValidator(_spelled)] | None = None  # when set, a login to any other org is refused
    external_id: str = "OpenProspect_Id__c"
    duplicate_rule: Literal["respect", "allow"] = "respect"  # of those that only warn; a blocking rule always holds
    strict: bool = False
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    username: SecretStr | None = None
    private_key_file: Place | None = None
    refresh_token: SecretStr | None = None
