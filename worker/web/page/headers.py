"""Lists the headers of every answer of the page: run only our scripts, ask nobody else, keep nothing."""

from __future__ import annotations

_POLICY = (
    "default-src 'none'",
    "script-src 'self' 'nonce-{nonce}'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types htmx",
)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # a form without a referrer would have no origin either
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def headers(nonce: str) -> dict[str, str]:
    """Returns the headers of a page whose scripts carry ``nonce``."""
    return ALWAYS | {"cache-control": "no-store", "content-security-policy": "; ".join(_POLICY).format(nonce=nonce)}
