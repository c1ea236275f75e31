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
    """Configures one org. Which secrets are needed follows from ``auth``; ``base_url`` is the org's My Domain."""

    base_url: Url
    """The org's own address (My Domain), not the address of its pages."""
    auth: Literal["client_credentials", "jwt", "refresh_token"] = "client_credentials"
    """How Refill signs in."""
    login_base: Url | None = None
    """The host whose token endpoint is asked. Unset: `base_url`."""
    audience: Url | None = None
    """The audience of the JWT. Unset: production's or, for a sandbox, test's."""
    api_version: str = Field(default="66.0", pattern=r"^\d{2,3}\.0$")
    """The version of the API that is called."""
    org_id: Annotated[str, AfterValidator(_spelled)] | None = None
    """Refuses a login to any other org."""
    external_id: str = "OpenProspect_Id__c"
    """The unique field that holds OpenProspect's id."""
    duplicate_rule: Literal["respect", "allow"] = "respect"  # of those that only warn; a blocking rule always holds
    """`allow` makes a row that a duplicate rule only warns of."""
    strict: bool = False
    """`true`: each write is conditional on the record being unchanged; 25 rows a call instead of 200."""
    client_id: SecretStr | None = None
    """The app's consumer key."""
    client_secret: SecretStr | None = None
    """The app's consumer secret."""
    username: SecretStr | None = None
    """The user that signs in with a JWT."""
    private_key_file: Place | None = None
    """The file of the key that signs the JWT."""
    refresh_token: SecretStr | None = None
    """The token that the refresh-token flow gave."""
