"""Reads the answers to the questions of ``init``, and its options: each by itself, so that it can be asked again."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from config.crms import of_the_org
from config.fields import PEOPLE, PERSON_FIELDS, PROPERTIES
from config.problems import ConfigError
from config.settings import CRM_NAME
from connectors.addresses import is_loopback, parse_url
from connectors.registry import NAMES
from worker.commands.first_config import MONTHS, ProviderBudget


def words(text: str) -> list[str]:
    """Returns the words of a list that somebody typed."""
    return text.replace(",", " ").split()


def one_of(word: str, known: Collection[str], before: str) -> str:
    """Returns a word that is known.

    Raises:
        ConfigError: it is not; ``before`` begins the sentence.
    """
    if word not in known:
        raise ConfigError([f"{before} {word}: known are {', '.join(known)}"])
    return word


def crm_name(text: str) -> str:
    """Returns a name that a CRM may have. Raises: as ``one_of``."""
    if not re.fullmatch(CRM_NAME, text):
        raise ConfigError([f"{text} is not a valid name; use small letters, digits and underscores, such as acme_org"])
    return text


def org_address(text: str) -> str:
    """Returns the address of a Salesforce org; ``https://`` need not be typed. Raises: as ``one_of``."""
    try:
        address = of_the_org(parse_url(text if "://" in text else f"https://{text}"))
    except ValueError as error:
        raise ConfigError([f"{text} {error}"]) from None
    host = urlsplit(address).hostname or ""
    if "." not in host and not is_loopback(host):
        raise ConfigError([f"{text} is not a valid address; use one such as https://acme.my.salesforce.com"])
    return address


def known_objects(kind: str, objects: Sequence[str], before: str) -> list[str]:
    """Returns objects that a kind of CRM has. Raises: as ``one_of``."""
    known = [one for one in PEOPLE if (kind, one) in PROPERTIES]
    return [one_of(one, known, before) for one in objects]


def offered_fields(kind: str, objects: Sequence[str]) -> list[str]:
    """Returns the fields that have their usual places in all the objects."""
    return [name for name in PERSON_FIELDS if all(name in PROPERTIES[kind, one] for one in objects)]


def known_fields(kind: str, objects: Sequence[str], fields: Sequence[str], before: str) -> list[str]:
    """Returns fields that can be filled without naming a property. Raises: as ``one_of``."""
    return [one_of(one, offered_fields(kind, objects), before) for one in fields]


def read_budgets(texts: Sequence[str], account_id: int | None) -> dict[str, ProviderBudget]:
    """Returns the budgets of the providers that are named. Raises: as ``one_of``."""
    found: dict[str, ProviderBudget] = {}
    for text in texts:
        name, _, figures = text.partition("=")
        day, _, month = figures.partition("/")
        if name not in NAMES or not day.isdecimal() or not (month or "0").isdecimal():
            example = "--budget kaspr=50 or --budget kaspr=50/1000 (a day / a month)"
            raise ConfigError([f"--budget {text}: write a provider ({', '.join(NAMES)}) and credits, {example}"])
        found[name] = ProviderBudget(int(day), int(month) if month else int(day) * MONTHS)
    if "forager" in found and account_id is None:
        raise ConfigError(["--account-id is missing: your Forager account's number, in the address of its pages"])
    return found


def key_file(folder: Path, text: str) -> str:
    """Returns the path of a key for .env: absolute if it is not in ``folder``.

    Raises:
        ConfigError: the file does not exist.
    """
    path = Path(text).expanduser()
    if (folder / path).is_file():
        return str(path)
    if not path.is_file():
        raise ConfigError([f"there is no file {path}"])
    return str(path.absolute())
