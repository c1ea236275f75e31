"""Writes a first configuration: the answers as refill.toml and .env. Pure but for ``place``."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from config.fields import PROPERTIES
from config.load import variable

# Texts that people type for an unknown value; config/refill.example.toml shows the same list.
BLANK_VALUES = ("N/A", "-", "none", "null", "unknown", "not available", "TBD", "k.A.", "unbekannt", "inconnu")
MONTHS = 20  # a month's budget, in days of the day's: working days


class ProviderBudget(Struct, frozen=True):
    """Limits the credits that one provider may cost."""

    day: int
    month: int


class FirstConfig(Struct, frozen=True):
    """Holds the answers. ``linkedin_property`` is the CRM's property with the profile, ``""`` for none."""

    kind: str
    crm: str
    auth: str
    base_url: str = ""
    mode: str = "observe"
    objects: Sequence[str] = ("contact",)
    fields: Sequence[str] = ()
    linkedin_property: str = ""
    budgets: Mapping[str, ProviderBudget] = {}
    account_id: int | None = None
    blank_values: bool = False

    def toml(self) -> str:
        parts = [
            "# Written by refill init. config/refill.example.toml shows every key; refill check tries them.",
            'data_dir = ".refill"                  # paid answers, journal and the embedded Redis: back it up',
        ]
        for name, budget in self.budgets.items():
            parts += ["", f"[providers.{name}]"]
            if name == "forager":
                parts.append(f"account_id = {self.account_id or 0}")
            parts.append(f"budget = {{ day = {budget.day}, month = {budget.month} }}  # credits")
        parts += ["", f"[crm.{self.crm}]", f'kind = "{self.kind}"']
        if self.base_url:
            parts.append(f"base_url = {json.dumps(self.base_url)}")
        if self.kind == "salesforce":
            parts.append(f'auth = "{self.auth}"')
        parts.append(
            f'mode = "{self.mode}"  # "observe" pays and writes nothing, "review" asks before it writes, "auto" does it'
        )
        if self.blank_values:
            parts.append(f"blank_values = {json.dumps(BLANK_VALUES, ensure_ascii=False)}")
        for object in self.objects:
            parts += ["", f"[crm.{self.crm}.watch.{object}]"]
            defaults = PROPERTIES[self.kind, object]
            parts += [f'fields.{name} = {{ property = "{defaults[name]}" }}' for name in self.fields]
            if self.linkedin_property:
                parts.append(f"identity.linkedin_url = {json.dumps(self.linkedin_property)}")
        return "\n".join(parts) + "\n"


class SecretAsked(Struct, frozen=True):
    """Names one secret: its path in the configuration, and where people find it."""

    path: tuple[str, ...]
    found: str

    @property
    def variable(self) -> str:
        return variable(self.path)


_PROVIDERS = {
    "kaspr": "at Kaspr under Settings, API: the key of a paid plan",
    "forager": "at Forager under Settings, API keys: a key of the account whose number you gave",
}
_HUBSPOT = {
    "token": "in HubSpot under Settings, Integrations, Service keys (or Private apps): make a key and copy its token",
    "client_id": "in the developer project of your app, under Auth",
    "client_secret": "beside the client id",
    "refresh_token": "the token that your app got when an administrator of the portal authorized it",
}
_SALESFORCE = {
    "client_id": "in Setup, External Client App Manager, your app, Settings, OAuth: the consumer key",
    "client_secret": "beside the consumer key: the consumer secret",
    "username": "the user name of the integration user, who@acme.com",
    "private_key_file": "the file refill.key that belongs to the certificate you uploaded",
    "refresh_token": "the token that your app got when the integration user authorized it",
}
_SIGN_INS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("hubspot", "token"): ("token",),
    ("hubspot", "oauth"): ("client_id", "client_secret", "refresh_token"),
    ("salesforce", "jwt"): ("client_id", "username", "private_key_file"),
    ("salesforce", "client_credentials"): ("client_id", "client_secret"),
    ("salesforce", "refresh_token"): ("client_id", "refresh_token"),
}


def sign_ins(kind: str) -> tuple[str, ...]:
    """Returns the ways to sign in to a kind of CRM, the recommended one first."""
    return tuple(auth for one, auth in _SIGN_INS if one == kind)


def secrets_of(config: FirstConfig) -> tuple[SecretAsked, ...]:
    """Returns the secrets that a configuration needs, the CRM's first."""
    places = _HUBSPOT if config.kind == "hubspot" else _SALESFORCE
    crm = [SecretAsked(("crm", config.crm, key), places[key]) for key in _SIGN_INS[config.kind, config.auth]]
    keys = [
        SecretAsked(("providers", name, "api_key"), _PROVIDERS.get(name, f"in your account at {name}"))
        for name in config.budgets
    ]
    return (*crm, *keys)


def rights(config: FirstConfig) -> tuple[str, ...]:
    """Returns what to tick so that Refill may read and, unless it only observes, write."""
    if config.kind == "salesforce":
        objects = ", ".join(one.title() for one in config.objects)
        return (
            "OAuth scope: Manage user data via APIs (api)",
            f"the user: read {'and edit ' if config.mode != 'observe' else ''}{objects}; read Account",
        )
    names = ["crm.objects.contacts.read", "crm.objects.companies.read"]
    if config.mode != "observe":
        names.append("crm.objects.contacts.write")
    return (*names, "to write later or take deliveries: crm.objects.contacts.write, crm.objects.companies.write")


def dotenv(before: str, values: Mapping[str, str]) -> str:
    """Returns the text of .env: old lines stay, except those whose variables were asked for.

    Values are quoted, so that no sign in them starts a comment.
    """
    kept = [
        line for line in before.splitlines() if line.removeprefix("export ").partition("=")[0].strip() not in values
    ]
    return "\n".join([*kept, *(f"{name}={_quoted(value)}" for name, value in values.items())]) + "\n"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def place(folder: Path, toml: str, env: str) -> tuple[Path, Path]:
    """Writes both files whole or not at all, the one with secrets for their owner alone.

    Raises:
        OSError: the folder cannot be written to; what stood there stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {folder / "refill.toml": toml, folder / ".env": env}
    drafts = {file: file.with_name(f".{file.name.lstrip('.')}.{secrets.token_hex(4)}") for file in texts}
    try:
        for file, draft in drafts.items():
            mode = 0o600 if file.name == ".env" else 0o644
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as opened:
                opened.write(texts[file])
                opened.flush()
                os.fsync(opened.fileno())
        for file, draft in drafts.items():
            draft.replace(file)
    finally:
        for draft in drafts.values():
            with suppress(FileNotFoundError):
                draft.unlink()
    return folder / "refill.toml", folder / ".env"
