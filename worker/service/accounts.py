"""Refuses a second installation on a Redis: one whose crms, provider accounts or name differ from those it stores.

An installation is defined by its configuration, not by its place: workers, web processes, hosts and data folders
come and go. Two that share a Redis and a crm's name would take each other's ids for records that are gone, and two
accounts of one provider would have their charges compared with each other's bill. Where neither has a name, the mark of
the data folder tells two of one portal apart (``installation_mark``).
"""

from __future__ import annotations

from secrets import token_hex

from config.crms import CrmSettings
from config.problems import ConfigError
from config.settings import Settings
from connectors.forager.options import ForagerOptions
from worker.ledger.intake.accounts import Accounts
from worker.service import installation_mark

_KINDS = {"hubspot": "portal", "salesforce": "org"}
_PROVIDER, _INSTALLATION, _MARK = "provider:", "installation:", "mark:"  # crm names hold no colon


def configured(crm: CrmSettings) -> str:
    """Returns the portal or org that the configuration names, ``""`` if it names none."""
    return str(crm.portal_id or "") if crm.kind == "hubspot" else crm.org_id or ""


def claims(settings: Settings) -> dict[str, str]:
    """Lists the claims of a configuration and its folder's mark on everything in its Redis."""
    found = {name: account for name, crm in settings.crm.items() if (account := configured(crm))}
    found |= {f"{_INSTALLATION}{name}": settings.installation for name in settings.crm}
    forager = settings.providers.paid.get("forager")
    found |= {f"{_PROVIDER}forager": str(forager.account_id)} if isinstance(forager, ForagerOptions) else {}
    mark = "" if settings.installation else installation_mark.held(settings.data_dir)
    return found | ({_MARK: mark} if mark else {})  # a name says more than a folder


def sentence(settings: Settings, name: str, account: str, pinned: str) -> str:
    """Says what is wrong, and how to resolve it."""
    apart = "Give this one a Redis of its own"
    history = f"drop what is kept of it as docs/redis.md says (redis-cli HDEL refill:intake:accounts {name})"
    if name.startswith(_PROVIDER):
        kind = f"providers.{name.removeprefix(_PROVIDER)}"
        return (
            f"{kind} is account {account} here, and account {pinned} in this Redis: its charges would be compared with "
            f"another account's bill. {apart}; if {pinned} is history, {history}"
        )
    if name == _MARK:
        return (
            f"{settings.data_dir} has worked for another installation than this Redis holds, and neither has a name: "
            f"give this one a Redis of its own. If it is to help the other one, delete "
            f"{installation_mark.file_of(settings.data_dir)}"
        )
    if name.startswith(_INSTALLATION):
        crm = name.removeprefix(_INSTALLATION)
        return (
            f"this is {_named(account)}, and crm.{crm} in this Redis is of {_named(pinned)}. Give the crm another name "
            f"or this one a Redis of its own; if it was renamed, {history}"
        )
    kind = _KINDS[settings.crm[name].kind]
    return (
        f"crm.{name} is {kind} {account} here, and {kind} {pinned} in this Redis: another installation uses the name, "
        f"or it stood for another {kind} before. Give the crm another name or this installation a Redis of its own; "
        f"if {pinned} is history, {history}"
    )


def _named(installation: str) -> str:
    return f"the installation {installation}" if installation else "an installation without a name"


async def sentences(accounts: Accounts, settings: Settings) -> list[str]:
    """Lists the claims that differ from those in this Redis, and changes nothing."""
    mine = claims(settings)
    others = await accounts.others(mine)
    return [sentence(settings, name, mine[name], others[name]) for name in sorted(others)]


async def refuse_others(accounts: Accounts, settings: Settings) -> None:
    """Return when everything that the configuration names is what this Redis was first used for.

    Raises:
        ConfigError: something is not.
    """
    if problems := await sentences(accounts, settings):
        raise ConfigError(problems)
    mine = claims(settings)
    if others := await accounts.pin(mine):  # somebody else was first in between
        raise ConfigError([sentence(settings, name, mine[name], others[name]) for name in sorted(others)])
    await _join(accounts, settings)


async def _join(accounts: Accounts, settings: Settings) -> None:
    """Brings the mark of this Redis, which the first one makes, into the data folder."""
    mark = installation_mark.held(settings.data_dir)
    await accounts.pin({_MARK: mark or token_hex(8)})
    pinned = await accounts.of(_MARK)
    if pinned and pinned != mark:
        installation_mark.keep(settings.data_dir, pinned)


class AnotherAccountError(Exception):
    """Says that a credential is another portal's or org's than the crm's name was first used for.

    The text says what to do.
    """


async def refuse_another(accounts: Accounts, settings: Settings, name: str, account: str) -> None:
    """Return if ``account``, to which a credential belongs, is the one the crm's name was first used for.

    Raises:
        AnotherAccountError: it is not.
    """
    if problem := await another(accounts, settings, name, account):
        raise AnotherAccountError(problem)
    if account and (others := await accounts.pin({name: account})):  # somebody else was first in between
        raise AnotherAccountError(sentence(settings, name, account, others[name]))


async def another(accounts: Accounts, settings: Settings, name: str, account: str) -> str:
    """Says how ``account``, to which a credential belongs, differs from the crm's; ``""`` if it does not."""
    crm = settings.crm[name]
    kind, named = _KINDS[crm.kind], configured(crm)
    if account and named and account != named:
        return (
            f"crm.{name} is {kind} {named} in the configuration, and its credential belongs to {kind} {account}: "
            f"correct one of the two"
        )
    others = await accounts.others({name: account}) if account else {}
    return sentence(settings, name, account, others[name]) if others else ""
