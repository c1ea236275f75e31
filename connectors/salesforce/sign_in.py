"""Sorts the refusals of Salesforce's token endpoint. Pure; its text is not kept.

Source: Salesforce help, "OAuth 2.0 Authorization Errors", and answers recorded in public issues, read 2026-11-28.
"""

from __future__ import annotations

from connectors.oauth import token_reading
from connectors.replies import ReplyReading

SIGN_INS_S = 900.0  # a user may sign in 3,600 times an hour: after that we try again in a quarter of an hour
WRONG_AUDIENCE = "wrong_audience"  # our code: the address of an org does not always tell which of two it wants
_AUDIENCE = "the org wants another audience of the JWT: set audience (https://test.salesforce.com for a sandbox)"
_APPROVE = "approve the app for the user: pre-authorize a profile or permission set of the integration user"
_CONNECT = "the refresh token has ended or was spent elsewhere: connect the org again"
_INACTIVE = "the integration user is inactive: activate it or name another"
_UNKNOWN_APP = "the org does not know this client id: check it, and whether the app is installed there"
_CHECK = "check client id, secret, user and key"
# (words of the error or its description, what to do); the first that is found counts
_HINTS = (
    ("hasn't approved", _APPROVE),
    ("not admin approved", _APPROVE),
    ("expired access/refresh token", _CONNECT),
    ("token validity expired", _CONNECT),
    ("inactive user", _INACTIVE),
    ("inactive_user", _INACTIVE),
    ("user is inactive", _INACTIVE),
    ("inactive org", "the org is inactive or locked: ask Salesforce"),
    ("expired authorization code", "it takes the JWT for expired: check this machine's clock"),
    ("invalid assertion", "it cannot verify the JWT: check that the app has the certificate of private_key_file"),
    ("no client credentials user", 'set the "Run As" user of the app\'s client credentials flow'),
    ("not supported on this domain", "the org's own (My Domain) address only takes this sign-in: set login_base"),
    ("ip restricted", "the app or the user may not sign in from this address: relax the IP ranges"),
    ("client identifier", _UNKNOWN_APP),
    ("app_not_found", _UNKNOWN_APP),
    ("invalid client credentials", "client id and client secret do not belong together: check both"),
    ("unsupported_grant_type", "the app does not allow this sign-in: enable the flow in its settings, or change auth"),
    ("api_disabled", "API access is switched off for the org: enable it"),
)


def reading(vendor: str) -> ReplyReading:
    return token_reading(vendor, ("error", "errorCode"), _blamed, SIGN_INS_S)


def _blamed(code: str, words: str) -> tuple[str, str]:
    text = f"{code.lower()} {words}"
    hint = next((what for sign, what in _HINTS if sign in text), _CHECK)
    if "audience" in text:
        code, hint = WRONG_AUDIENCE, _AUDIENCE
    return code, f"the org refuses our credential: {hint}"
