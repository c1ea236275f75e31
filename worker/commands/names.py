"""Checks the names a command takes against the configuration: an unknown one is reported with the known ones."""

from __future__ import annotations

from collections.abc import Iterable

from config.crms import CrmSettings
from config.problems import ConfigError
from config.settings import Settings
from worker.ledger.intake.deliveries import OBJECT as DELIVERY
from worker.ledger.journal.figures import WorkName
from worker.reports.overview import undoables, works

ALL = "all"


def known_crm(settings: Settings, name: str) -> CrmSettings:
    """Returns the crm called ``name``.

    Raises:
        ConfigError: it does not exist; the known ones are listed.
    """
    try:
        return settings.crm[name]
    except KeyError:
        raise ConfigError([f'no crm is called "{name}"; known: {_listed(settings.crm)}']) from None


def known_work(settings: Settings, crm: str, object: str, ever: Iterable[WorkName] = ()) -> WorkName:
    """Returns (crm, object), if it is configured or one of ``ever``: the works the ledger has seen.

    Raises:
        ConfigError: it is neither; the known ones are listed.
    """
    known = sorted({*works(settings), *ever})
    if crm not in {name for name, _ in known}:
        known_crm(settings, crm)
    if (crm, object) not in known:
        here = [kind for name, kind in known if name == crm]
        raise ConfigError([f'{crm} has no "{object}" in its work; known: {_listed(here)}'])
    return crm, object


def known_watch(settings: Settings, crm: str, object: str) -> WorkName:
    """Returns (crm, object), if its records are watched.

    Raises:
        ConfigError: they are not; the watched ones are listed.
    """
    known_crm(settings, crm)
    watched = settings.crm[crm].objects()
    if object not in watched:
        raise ConfigError([f'{crm} does not watch "{object}"; watched: {_listed(watched)}'])
    return crm, object


def known_undoable(settings: Settings, crm: str, object: str) -> WorkName:
    """Returns (crm, object), if an undo can take back changes of visits and deliveries there.

    Raises:
        ConfigError: it cannot; the objects with which it can are listed.
    """
    known_crm(settings, crm)
    known = [kind for name, kind in undoables(settings) if name == crm]
    if object not in known:
        raise ConfigError([f'{crm} has no "{object}" that visits write; known: {_listed(known)}'])
    return crm, object


def known_record(settings: Settings, crm: str, object: str, id: str) -> str:
    """Returns the one spelling of a record's id, as the ledger has it; a delivery's unchanged.

    Raises:
        ConfigError: no record of this crm can have it.
    """
    if object == DELIVERY or crm not in settings.crm:
        return id
    try:
        return settings.crm[crm].record_id(id)
    except ValueError as error:
        raise ConfigError([f'"{id}" {error}']) from None


def chosen_works(settings: Settings, crm: str | None, object: str | None, ever: Iterable[WorkName]) -> list[WorkName]:
    """Returns every work, those of one crm, or a single one.

    Raises:
        ConfigError: a name is unknown.
    """
    known = sorted({*works(settings), *ever})
    if crm is None:
        return known
    if object is not None:
        return [known_work(settings, crm, object, ever)]
    if crm not in {name for name, _ in known}:
        known_crm(settings, crm)
    return [work for work in known if work[0] == crm]


def pausable(settings: Settings) -> list[str]:
    """Returns everything that can be paused by name: crms and providers."""
    return [*settings.crm, *settings.providers.names]


def known_target(settings: Settings, name: str, also: Iterable[str] = ()) -> str:
    """Returns a crm, a provider, or one of ``also``: the targets that have a pause.

    Raises:
        ConfigError: it is none of them.
    """
    if name != ALL and name not in {*pausable(settings), *also}:
        known = [*pausable(settings), *sorted(set(also) - set(pausable(settings))), ALL]
        raise ConfigError([f'"{name}" is neither a crm nor a provider; known: {_listed(known)}'])
    return name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
