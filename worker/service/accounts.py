"""Refuses a crm name that stands for another portal or org than it was first used for on this Redis.

Two installations that share a Redis and a crm's name would take each other's ids for records that are gone.
"""

from __future__ import annotations

from config.problems import ConfigError
from config.settings import CrmSettings, Settings
from worker.ledger.intake.accounts import Accounts

_KINDS = {"hubspot": "portal", "salesforce": "org"}


def configured(crm: CrmSettings) -> str:
    """The portal or org that the configuration names, ``""`` where it names none."""
    return str(crm.portal_id or "") if crm.kind == "hubspot" else crm.org_id or ""


def sentence(name: str, crm: CrmSettings, account: str, pinned: str) -> str:
    """Says what is wrong, and both ways out."""
    kind = _KINDS[crm.kind]
    return (
        f"crm.{name} is {kind} {account} here, and {kind} {pinned} in this Redis: another installation uses the name, "
        f"or it stood for another {kind} before. Give this one another name or a Redis of its own; if {pinned} is "
        f"history, drop what is kept of it as docs/redis.md says"
    )


async def refuse_others(accounts: Accounts, settings: Settings) -> None:
    """Return when every crm stands for the portal or org that it was first used for.

    Raises:
        ConfigError: one does not.
    """
    named = {name: account for name, crm in settings.crm.items() if (account := configured(crm))}
    others = await accounts.others(named)
    if others:
        raise ConfigError([sentence(name, settings.crm[name], named[name], others[name]) for name in sorted(others)])


class AnotherAccountError(Exception):
    """A login led to another org than the crm's name was first used for; the text says what to do."""


async def refuse_another(accounts: Accounts, name: str, crm: CrmSettings, account: str) -> None:
    """Return when ``account``, to which a login led, is what the crm's name was first used for.

    Raises:
        AnotherAccountError: it is not.
    """
    others = await accounts.others({name: account}) if account else {}
    if others:
        raise AnotherAccountError(sentence(name, crm, account, others[name]))
