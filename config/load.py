"""Reads refill.toml, the environment, ``.env`` and a folder of secrets into one ``Settings``.

Later wins: refill.toml, ``REFILL_SECRETS_DIR``, the ``.env`` beside refill.toml, the environment.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import ValidationError

from config import retirements
from config.crms import HubSpotSettings, SalesforceSettings
from config.exposure import exposed
from config.problems import ConfigError, Origin, listed
from config.settings import Settings

PREFIX = "REFILL_"
DEFAULT_PATH = Path("refill.toml")
_PLAIN = frozenset(
    {"REFILL_DATA_DIR", "REFILL_INSTALLATION", "REFILL_BUDGET_ZONE", "REFILL_SECRET_KEY"}
)  # keys of the topmost table
_ABOUT_US = frozenset({"REFILL_CONFIG", "REFILL_SECRETS_DIR"})  # say where the others are
_SECRET = frozenset({
    "api_key", "client_id", "client_secret", "metrics_token", "hapikey", "operator_token", "password",
    "private_key_file", "refresh_token", "secret_key", "security_token", "slack_url", "smtp_password", "teams_url",
    "token", "username", "viewer_token", "webhook_secret", "webhook_url",
})  # fmt: skip
_VERBATIM = frozenset({"where", "skip_if"})  # below these are names of CRM properties, whose case matters
_ENDED_FLOWS = frozenset({"password", "soap", "username_password"})  # values of ``auth`` that stand for it
# What makes something configured that the file does not mention; any other variable of it is a leftover.
_DECISIVE = {"crm": {"kind"}, "providers": {"budget", "deliver_to"}}

_KeyPath = tuple[str, ...]


@dataclass(slots=True)
class _Read:
    values: dict[str, Any]
    origin: Origin
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Returns the configuration, checked as a whole.

    ``path`` is what ``--config`` named; without it ``REFILL_CONFIG``, then ``./refill.toml``.

    Raises:
        ConfigError: one sentence per problem.
    """
    file = path or Path(environ.get("REFILL_CONFIG") or DEFAULT_PATH)
    text = _text(file, required=not _is_configured_by(environ))
    read = _Read(_parsed(text, file), Origin(file, text))
    _refuse_secrets(read)
    _apply(_variables(file.parent, environ), read)
    _refuse_ended(read)
    try:
        settings = Settings.model_validate(read.values, context={"folder": file.parent.absolute()})
    except ValidationError as error:
        raise ConfigError([*read.problems, *listed(error, read.origin, Settings)]) from None
    problems = [*read.problems, *_contradictions(settings, read.origin)]
    if problems:
        raise ConfigError(problems)
    return settings.with_warnings(
        (*read.warnings, *_oddities(settings, read.values)), exposed(_secret_files(file.parent, environ, settings))
    )


def _is_configured_by(environ: Mapping[str, str]) -> bool:
    return any(name.startswith(("REFILL_CRM__", "REFILL_PROVIDERS__")) and value for name, value in environ.items())


def _text(file: Path, *, required: bool) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not required and file == DEFAULT_PATH:
            return ""
        hint = "write one (config/refill.example.toml shows every key) or name it with --config or REFILL_CONFIG"
        raise ConfigError([f"there is no configuration at {file}: {hint}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file} cannot be read: {_cause(error)}"]) from None


def _cause(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "it failed").lower() if isinstance(error, OSError) else "it is not UTF-8 text"


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{file} is not valid TOML: {error}"]) from None


def _refuse_secrets(read: _Read) -> None:
    """Warns of secrets in a file that gets copied, committed and shown in tickets."""
    for path, value in _leaves(read.values):
        if _is_secret(path) and not _end_of(read, path, value):
            read.problems.append(
                f"{read.origin.of(path)}{'.'.join(path)} is a secret and does not belong in this file: "
                f"set {variable(path)} instead"
            )
            _drop(read.values, path)
        elif path == ("redis", "url") and isinstance(value, str) and _has_password(value):
            read.problems.append(
                f"{read.origin.of(path)}redis.url holds a password and does not belong in this file: "
                f"set {variable(path)} instead"
            )
            _drop(read.values, path)


def _refuse_ended(read: _Read) -> None:
    """Refuses sign-ins that their vendor ends, with the date and the way out: later they fail in the night."""
    for path, value in _leaves(read.values):
        if end := _end_of(read, path, value):
            key = f"{read.origin.of(path)}{'.'.join(path)}"
            read.problems.append(f"{key} is a sign-in that is being retired: {end.sentence}")
            _drop(read.values, path)
            if end is retirements.PASSWORD:
                read.values["crm"][path[1]]["auth"] = "jwt"  # so that the error names a key missing for the new sign-in


def _end_of(read: _Read, path: _KeyPath, value: object) -> retirements.Retirement | None:
    """Returns the end of the sign-in that a key implies, ``None`` for any other key."""
    if len(path) != 3 or path[0] != "crm":
        return None
    if read.values["crm"][path[1]].get("kind") == "hubspot":
        return retirements.HUBSPOT_KEY if path[2] in {"api_key", "hapikey"} else None
    flow = path[2] == "auth" and str(value).lower().replace("-", "_") in _ENDED_FLOWS
    return retirements.PASSWORD if flow or path[2] in {"password", "security_token"} else None


def _has_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None or "password=" in urlsplit(url).query
    except ValueError:
        return False


def variable(path: Iterable[str]) -> str:
    """Returns the environment variable of a key."""
    return PREFIX + "__".join(path).upper()


def _is_secret(path: _KeyPath) -> bool:
    if path[-1] not in _SECRET:
        return False
    if path == ("secret_key",) or (len(path) == 2 and path[0] in {"alerts", "web"}):
        return True
    return len(path) == 3 and path[0] in {"providers", "crm"}


def _leaves(table: Mapping[str, Any], above: _KeyPath = ()) -> list[tuple[_KeyPath, Any]]:
    found: list[tuple[_KeyPath, Any]] = []
    for key, value in table.items():
        path = (*above, key)
        found += _leaves(value, path) if isinstance(value, dict) else [(path, value)]
    return found


def _drop(table: dict[str, Any], path: _KeyPath) -> None:
    for key in path[:-1]:
        table = table[key]
    del table[path[-1]]


def _variables(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Returns our variables by name; an empty one counts as not set."""
    try:
        dotenv = {name: value for name, value in dotenv_values(folder / ".env", interpolate=False).items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{folder / '.env'} cannot be read: {_cause(error)}"]) from None
    secrets = _secrets_dir(folder, environ, dotenv)
    found = {file.name.upper(): _secret(file) for file in _files_of(secrets)} if secrets else {}
    found |= dotenv | {name: value for name, value in environ.items() if value}
    return {name: found[name] for name in sorted(found) if _is_ours(name)}


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) and (name in _PLAIN or ("__" in name and name not in _ABOUT_US))


def _secrets_dir(folder: Path, environ: Mapping[str, str], dotenv: Mapping[str, str | None]) -> Path | None:
    named = environ.get("REFILL_SECRETS_DIR") or dotenv.get("REFILL_SECRETS_DIR")
    return folder / Path(named).expanduser() if named else None


def _files_of(folder: Path) -> list[Path]:
    """Returns one file per secret, named like its variable in any case, as container platforms mount them."""
    try:
        return sorted(file for file in folder.iterdir() if file.is_file() and _is_ours(file.name.upper()))
    except OSError as error:
        raise ConfigError([f"REFILL_SECRETS_DIR {folder} cannot be read: {_cause(error)}"]) from None


def _secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"REFILL_SECRETS_DIR {file.parent} cannot be read: {_cause(error)}"]) from None


def _secret_files(folder: Path, environ: Mapping[str, str], settings: Settings) -> list[Path]:
    """Returns every file that secrets were read from, or will be."""
    secrets = _secrets_dir(folder, environ, dotenv_values(folder / ".env", interpolate=False))
    keys = [crm.private_key_file for crm in settings.crm.values() if isinstance(crm, SalesforceSettings)]
    return [folder / ".env", *(_files_of(secrets) if secrets else ()), *(key for key in keys if key is not None)]


def _apply(variables: Mapping[str, str], read: _Read) -> None:
    paths = {name: _path(name) for name in variables}
    known = {group: _configured(group, read.values, paths.values()) for group in _DECISIVE}
    ignored: dict[_KeyPath, int] = {}
    for name, path in paths.items():
        if path[0] in known and len(path) > 2 and path[1] not in known[path[0]]:
            ignored[path[:2]] = ignored.get(path[:2], 0) + 1
        else:
            _set(read.values, path, variables[name])
            read.origin.variables[path] = name
    for path, count in ignored.items():
        plural = "variables" if count > 1 else "variable"
        read.warnings.append(f"{count} {plural} {variable(path)}__* ignored: {'.'.join(path)} is not configured")


def _path(name: str) -> _KeyPath:
    parts: list[str] = []
    for part in name.removeprefix(PREFIX).split("__"):
        parts.append(part if parts and parts[-1] in _VERBATIM else part.lower())
    return tuple(parts)


def _configured(group: str, values: Mapping[str, Any], paths: Iterable[_KeyPath]) -> set[str]:
    table = values.get(group)
    in_file = set(table) if isinstance(table, dict) else set()
    return in_file | {path[1] for path in paths if path[0] == group and len(path) > 2 and path[2] in _DECISIVE[group]}


def _set(table: dict[str, Any], path: _KeyPath, text: str) -> None:
    for key in path[:-1]:
        inner = table.setdefault(key, {})
        if not isinstance(inner, dict):
            return  # the file has something else in place of a table: the schema says so
        table = inner
    table[path[-1]] = text if _is_secret(path) or path[-1] == "url" else _value(text)


def _value(text: str) -> object:
    """Lists and tables are written as JSON or TOML; everything else is a text the schema converts."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _contradictions(settings: Settings, origin: Origin) -> list[str]:
    """Finds contradictions between tables that are valid by themselves."""
    problems: list[str] = []
    openprospect = settings.providers.openprospect
    if openprospect is not None:
        known = ", ".join(settings.crm) or "none"
        path = ("providers", "openprospect", "deliver_to")
        problems += [
            f'{origin.of(path)}providers.openprospect.deliver_to names "{name}", not a configured crm ({known})'
            for name in openprospect.deliver_to
            if name not in settings.crm
        ]
    return problems


def _oddities(settings: Settings, values: Mapping[str, Any]) -> list[str]:
    """Finds what works and is hardly meant."""
    paid = settings.providers.paid
    unreached = [
        f"crm.{name}: HubSpot signs the address that it calls, and without web.public_url that is {settings.web.origin}"
        for name, crm in settings.crm.items()
        if isinstance(crm, HubSpotSettings) and crm.webhook_secret and not settings.web.public_url
    ]
    if settings.crm and not paid:
        return [*unreached, "no paid provider is configured: gaps are found and nothing is looked up"]
    asked = {
        (path[1], provider)
        for path, order in _leaves(values.get("crm", {}), ("crm",))
        if path[-1] == "from" and path[-3] == "fields"
        for provider in ([order] if isinstance(order, str) else order)
    }
    return unreached + [
        f"crm.{name} would ask {provider}, which is not configured: it is left out"
        for name, provider in sorted(asked)
        if provider not in paid
    ]
