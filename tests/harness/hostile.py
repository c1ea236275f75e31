"""Addresses by which a vendor, or somebody in its place, might lead us or our credentials elsewhere.

``{host}`` is the vendor's own host and port, ``{evil}`` somebody else's, ``{scheme}`` the vendor's scheme.
"""

from __future__ import annotations

ADDRESSES = {
    "metadata service": "http://169.254.169.254/latest/meta-data/",
    "metadata service in one number": "http://2852039166/",
    "metadata service as IPv6": "http://[::ffff:169.254.169.254]/",
    "unspecified host": "http://0.0.0.0:1/",
    "another host": "{scheme}://{evil}/things",
    "another host without scheme": "//{evil}/things",
    "another host after a tab": "\t//{evil}/things",
    "another host, no slash": "{scheme}:{evil}",
    "vendor as user": "{scheme}://{host}@{evil}/things",
    "vendor as user and password": "{scheme}://{host}:x@{evil}/things",
    "user in front of the vendor": "{scheme}://evil@{host}/things",
    "only a user": "@{evil}/things",
    "vendor as a label": "{scheme}://{host}.evil.example/things",
    "look-alike letter": "https://аpi.hubapi.com/things",
    "look-alike dot": "https://api.hubapi.com。evil.example/things",
    "encoded at": "{scheme}://{host}%40{evil}/things",
    "backslashes": "{scheme}:\\\\{evil}\\things",
    "backslash at": "{scheme}://{evil}\\@{host}/things",
    "another port": "{scheme}://vendor.example:1/things",
    "another scheme": "ftp://{host}/things",
    "file": "file:///etc/passwd",
    "script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "broken bracket": "{scheme}://[",
    "nothing": "",
}


def addresses(host: str, evil: str, scheme: str = "http") -> dict[str, str]:
    """Returns the corpus for one vendor host."""
    return {name: text.format(host=host, evil=evil, scheme=scheme) for name, text in ADDRESSES.items()}
