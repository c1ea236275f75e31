"""Implements ``init``: asks for a first configuration, tries it at the vendors, and writes it."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from dotenv import dotenv_values
from msgspec import Struct
from msgspec.structs import replace

from config.fields import WATCHED
from config.load import load
from config.logs import configure_logs
from config.problems import ConfigError, unreadable
from connectors.registry import NAMES
from worker.commands import first_config
from worker.commands.check import check
from worker.commands.check_results import FAILED_LEVEL, OK, CheckResult
from worker.commands.first_config import FirstConfig, ProviderBudget, SecretAsked
from worker.commands.init_answers import (
    crm_name,
    key_file,
    known_fields,
    known_objects,
    offered_fields,
    one_of,
    org_address,
    read_budgets,
    words,
)
from worker.commands.options import Json, as_command, one_command
from worker.commands.session import err, print_json
from worker.manual.exit_codes import DONE, FAILED, WRONG_USE

MODES = ("observe", "review", "auto")
DAY = 50  # credits a day to begin with
NO = "there is no"
T = TypeVar("T")

app = one_command()


class InitAsked(Struct, frozen=True):
    """Holds the options; an empty one is asked for, or takes its default with ``yes``."""

    folder: Path
    kind: str = ""
    name: str = ""
    base_url: str = ""
    auth: str = ""
    objects: Sequence[str] = ()
    fields: Sequence[str] = ()
    linkedin_property: str = ""
    budgets: Sequence[str] = ()
    account_id: int | None = None
    mode: str = ""
    blank_values: bool | None = None
    replace: bool = False
    yes: bool = False
    offline: bool = False


@as_command(app)
def command(
    folder: Annotated[Path, typer.Option(help="Where refill.toml and .env are written.")] = Path(),
    crm: Annotated[
        Literal["hubspot", "salesforce"] | None, typer.Option(metavar="KIND", help="hubspot or salesforce.")
    ] = None,
    name: Annotated[str, typer.Option(help="Its name: small letters, digits, single underscores.")] = "",
    base_url: Annotated[str, typer.Option(help="The org's own address; Salesforce only.")] = "",
    auth: Annotated[
        str, typer.Option(metavar="HOW", help="token or oauth; jwt, refresh_token or client_credentials (Salesforce).")
    ] = "",
    object: Annotated[list[str] | None, typer.Option(help="contact or lead; may be repeated.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="A field to fill; may be repeated.")] = None,
    linkedin: Annotated[str, typer.Option(help="The property with the LinkedIn address.")] = "",
    budget: Annotated[
        list[str] | None, typer.Option(metavar="LIMIT", help="Credits: kaspr=50 a day, kaspr=50/500 a month, too.")
    ] = None,
    account_id: Annotated[int | None, typer.Option(min=1, help="Your account's number at Forager.")] = None,
    mode: Annotated[
        Literal["observe", "review", "auto"] | None,
        typer.Option(metavar="MODE", help="observe (default), review or auto."),
    ] = None,
    blank_values: Annotated[
        bool | None, typer.Option("--blank-values/--no-blank-values", help="N/A and the like count as blank.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a refill.toml that is there.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: defaults, and secrets from the environment.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Write the files without trying them.")] = False,
    as_json: Json = False,
) -> int:
    """Write a first configuration: asks, tries it, then writes refill.toml and .env.

    Without a terminal nothing is asked: options and the environment say it all, and what is missing is named.
    """
    asked = InitAsked(
        folder=folder,
        kind=crm or "",
        name=name,
        base_url=base_url,
        auth=auth,
        objects=object or (),
        fields=field or (),
        linkedin_property=linkedin,
        budgets=budget or (),
        account_id=account_id,
        mode=mode or "",
        blank_values=blank_values,
        replace=replace,
        yes=yes,
        offline=offline,
    )
    return _run(asked, as_json=as_json)


def _run(asked: InitAsked, *, as_json: bool) -> int:
    """Ask for missing options, try them, and write both files; nothing is written before everything is known."""
    configure_logs(level=logging.ERROR)
    logging.getLogger("connectors").setLevel(logging.ERROR)
    talk = sys.stdin.isatty() and not asked.yes
    _try_folder(asked.folder)
    files = [file for file in (asked.folder / "refill.toml",) if file.exists()]
    if files and not asked.replace and not (talk and _agrees(f"{files[0]} exists. Replace it?")):
        err.say(f"{asked.folder / 'refill.toml'} exists and was left as it is: --replace writes a new one", style="red")
        return WRONG_USE
    config = _talk(asked) if talk else _given(asked)
    asked_secrets = first_config.secrets_of(config)
    known = _known(asked.folder, asked_secrets)
    if talk:
        _tell_rights(config)
        known = _ask_secrets(asked.folder, asked_secrets, known)
    elif missing := [one for one in asked_secrets if not known.get(one.variable)]:
        raise ConfigError([f"{one.variable} is not set: {one.found}" for one in missing])
    _be_sure(asked.folder, config, known)
    while not asked.offline:
        results = _try(asked.folder, config, known)
        _show(results)
        if not any(one.level == FAILED_LEVEL for one in results):
            break
        if not talk:
            err.say("nothing was written: fix this and run it again, or write it untried with --offline", style="red")
            return FAILED
        again = {"again": "type its secrets again", "write": "write it as it is", "stop": "write nothing"}
        match _choose("Some of it does not work yet.", again):
            case "again":
                wrong = _failing(asked_secrets, results)
                known = _ask_secrets(asked.folder, asked_secrets, {k: v for k, v in known.items() if k not in wrong})
            case "write":
                break
            case _:
                err.say("nothing was written", style="red")
                return FAILED
    if (others := _others(asked.folder, known)) and not asked.replace:
        text = f"{asked.folder / '.env'} holds another {' and '.join(others)}"
        if not (talk and _agrees(f"{text}. Replace?")):
            err.say(f"{text}; nothing was written: --replace takes the new one", style="red")
            return WRONG_USE
    env_text = first_config.dotenv(_text(asked.folder / ".env"), known)
    try:
        path, env = first_config.place(asked.folder.absolute(), config.toml(), env_text)
    except OSError as error:
        raise ConfigError([_unwritable(asked.folder, error)]) from None
    _tell_next(path, env, config)
    if as_json:
        print_json({"config": str(path), "env": str(env), "mode": config.mode})
    return DONE


# ---- the answers -------------------------------------------------------------------------------------------------


def _given(asked: InitAsked) -> FirstConfig:
    """Returns the options, with the defaults of the rest.

    Raises:
        ConfigError: one sentence for each option that is missing or cannot be read.
    """
    problems = []
    if not asked.kind:
        problems.append("--crm is missing: hubspot or salesforce")
    if asked.kind == "salesforce" and not asked.base_url:
        problems.append("--base-url is missing: the org's own address, such as https://acme.my.salesforce.com")
    if not asked.budgets:
        problems.append(f"--budget is missing: a provider and its credits a day, such as --budget kaspr={DAY}")
    if problems:
        raise ConfigError(problems)
    kind = asked.kind
    objects = tuple(asked.objects) or ("contact",)
    return FirstConfig(
        kind=kind,
        crm=crm_name(asked.name or _usual_name(kind)),
        auth=one_of(asked.auth or first_config.sign_ins(kind)[0], first_config.sign_ins(kind), "--auth"),
        base_url=org_address(asked.base_url) if asked.base_url else "",
        mode=asked.mode or MODES[0],
        objects=known_objects(kind, objects, "--object"),
        fields=known_fields(kind, objects, asked.fields or WATCHED, "--field"),
        linkedin_property=asked.linkedin_property,
        budgets=read_budgets(asked.budgets, asked.account_id),
        account_id=asked.account_id,
        blank_values=bool(asked.blank_values),
    )


def _talk(asked: InitAsked) -> FirstConfig:
    err.say("Refill's first configuration. Enter takes what stands in brackets; Ctrl-C leaves everything as it is.")
    kind = asked.kind or _choose("Which CRM?", {"hubspot": "a HubSpot portal", "salesforce": "a Salesforce org"})
    name = asked.name or _retried("A name for it, in logs and commands", _usual_name(kind), crm_name)
    base_url = asked.base_url
    if kind == "salesforce" and not base_url:
        base_url = _retried("The org's own address, such as https://acme.my.salesforce.com", "", org_address)
    ways = {
        "token": "the token of a service key or private app (recommended)",
        "oauth": "an app of yours that was authorized",
        "jwt": "External Client App with a certificate (recommended)",
        "client_credentials": "client id and secret",
        "refresh_token": "an app that a user has authorized",
    }
    auth = asked.auth or _choose("How does Refill sign in?", {one: ways[one] for one in first_config.sign_ins(kind)})
    objects: Sequence[str] = asked.objects or ["contact"]
    if kind == "salesforce" and not asked.objects:
        objects = _retried(
            "Which objects (contact, lead)?", "contact", lambda text: known_objects(kind, words(text), NO)
        )
    fields: Sequence[str] = asked.fields
    if not fields:
        err.say(f"Fields that can be filled: {', '.join(offered_fields(kind, objects))}")
        usual = ", ".join(WATCHED)
        fields = _retried("Which fields are filled?", usual, lambda text: known_fields(kind, objects, words(text), NO))
    linkedin = asked.linkedin_property
    if kind == "salesforce" and not linkedin:
        linkedin = _prompt("Your field with the LinkedIn address, such as LinkedIn_URL__c (empty: none)", "")
    account_id = asked.account_id
    budgets = {} if not asked.budgets else read_budgets(asked.budgets, account_id or 1)
    for provider in NAMES:
        if not asked.budgets and _agrees(f"Do you have a key of {provider.title()}?"):
            credits = _retried(f"Credits that {provider.title()} may cost a day", str(DAY), int)
            budgets[provider] = ProviderBudget(credits, credits * first_config.MONTHS)
        if provider == "forager" and provider in budgets and account_id is None:
            account_id = _retried("Your Forager account's number (in the address of its pages)", "", int)
    if not budgets:
        err.say("Without a provider nothing can be looked up: a trial key of one is enough to begin with.")
    listed = ", ".join(first_config.BLANK_VALUES)
    blank = asked.blank_values
    if blank is None:
        blank = _agrees(f"Do placeholder texts count as blank ({listed})?")
    mode = asked.mode or _choose(
        "What may Refill do at first?",
        {
            "observe": "look only: pays and writes nothing, shows the gaps",
            "review": "look up, and write what you approve",
            "auto": "look up and write",
        },
    )
    return replace(
        FirstConfig(kind=kind, crm=name, auth=auth, base_url=base_url, mode=mode),
        objects=tuple(objects),
        fields=tuple(fields),
        linkedin_property=linkedin,
        budgets=budgets,
        account_id=account_id,
        blank_values=blank,
    )


def _usual_name(kind: str) -> str:
    return "portal" if kind == "hubspot" else "org"


# ---- secrets -----------------------------------------------------------------------------------------------------


def _known(folder: Path, asked: Sequence[SecretAsked]) -> dict[str, str]:
    """Returns the secrets that the environment or a .env already holds."""
    held = {**_held(folder), **os.environ}
    return {one.variable: value for one in asked if (value := held.get(one.variable))}


def _others(folder: Path, known: Mapping[str, str]) -> list[str]:
    """Returns the variables for which the .env holds another value than the one to be written."""
    held = _held(folder)
    return [name for name, value in known.items() if held.get(name, value) != value]


def _held(folder: Path) -> dict[str, str]:
    held = dotenv_values(stream=io.StringIO(_text(folder / ".env")), interpolate=False)
    return {name: value for name, value in held.items() if value}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([unreadable(file, error)]) from None


def _try_folder(folder: Path) -> None:
    """Refuses a folder that nothing can be written to, before anybody has answered questions for it.

    Raises:
        ConfigError: the sentence says why.
    """
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=".refill-", dir=there):
            pass
    except OSError as error:
        raise ConfigError([_unwritable(folder, error)]) from None


def _unwritable(folder: Path, error: OSError) -> str:
    return f"{folder} cannot be written to: {(error.strerror or 'it failed').lower()}. Name another with --folder"


def _tell_rights(config: FirstConfig) -> None:
    err.say(f"In {'HubSpot' if config.kind == 'hubspot' else 'Salesforce'}, tick:")
    for one in first_config.rights(config):
        err.say(f"  {one}")


def _failing(asked: Sequence[SecretAsked], results: Sequence[CheckResult]) -> set[str]:
    """Returns the variables of the vendors that failed; all of them if something other than a vendor failed."""
    failed = {one.part.split()[0] for one in results if one.level == FAILED_LEVEL}
    return {one.variable for one in asked if one.path[1] in failed} or {one.variable for one in asked}


def _ask_secrets(folder: Path, asked: Sequence[SecretAsked], known: Mapping[str, str]) -> dict[str, str]:
    """Asks for each secret, unseen; one that is already set need not be typed."""
    found: dict[str, str] = {}
    for one in asked:
        err.say(f"{one.found[0].upper()}{one.found[1:]}")
        if one.variable in known:
            err.say(f"{one.variable} is set already and is taken")
            found[one.variable] = known[one.variable]
            continue
        match one.path[-1]:
            case "private_key_file":
                found[one.variable] = _retried(one.variable, "", partial(key_file, folder))
            case "username":
                found[one.variable] = _prompt(one.variable)
            case _:
                text: str = typer.prompt(one.variable, hide_input=True, err=True)
                found[one.variable] = text.strip()
    return found


# ---- trying ------------------------------------------------------------------------------------------------------


def _be_sure(folder: Path, config: FirstConfig, secrets: Mapping[str, str]) -> None:
    """Refuses a configuration that would not load.

    Raises:
        ConfigError: one sentence per problem.
    """
    with tempfile.TemporaryDirectory(prefix="refill-") as draft:
        load(_draft(Path(draft), config), _environment(folder, config, secrets, Path(draft)))


def _try(folder: Path, config: FirstConfig, secrets: Mapping[str, str]) -> list[CheckResult]:
    """Returns what ``refill check`` would say. No secret is on the disk meanwhile."""
    err.say("Trying it: a handful of free calls ...")
    with tempfile.TemporaryDirectory(prefix="refill-") as draft:
        settings = load(_draft(Path(draft), config), _environment(folder, config, secrets, Path(draft)))
        return asyncio.run(check(settings))


def _draft(draft: Path, config: FirstConfig) -> Path:
    path = draft / "refill.toml"
    path.write_text(config.toml(), encoding="utf-8")
    return path


def _environment(folder: Path, config: FirstConfig, secrets: Mapping[str, str], draft: Path) -> dict[str, str]:
    """Returns the variables to try with.

    A refresh token may be replaced by its use. Then the new one must stay, so the Redis of the folder is used.
    """
    stays = config.auth in {"oauth", "refresh_token"}
    ours = {name: value for name, value in os.environ.items() if name.startswith("REFILL_")}
    files = {
        name: str((folder / value).absolute()) for name, value in secrets.items() if name.endswith("__PRIVATE_KEY_FILE")
    }
    data = {"REFILL_DATA_DIR": str((folder.absolute() if stays else draft) / ".refill")}
    return {**ours, **data, **secrets, **files}


def _show(results: Sequence[CheckResult]) -> None:
    styles = {OK: "green", FAILED_LEVEL: "red"}
    for one in results:
        err.say(f"{one.level:<8} {one.part}: {one.text}", style=styles.get(one.level, "yellow"))
        if one.do:
            err.say(f"         {one.do}")


def _tell_next(path: Path, env: Path, config: FirstConfig) -> None:
    err.say(f"Written: {path} and {env} (readable by you alone)", style="green")
    at = "" if path.parent == Path.cwd() else f" --config {path}"
    err.say(f"What a pass would do and cost: refill plan{at}. It pays and writes nothing.")
    if config.mode == "observe":
        err.say('Then set mode = "review" in refill.toml to have gaps looked up.')
    else:
        err.say(f"Try a few credits: refill sync --max-credits {DAY}{at}")


# ---- asking ------------------------------------------------------------------------------------------------------


def _prompt(question: str, default: str | None = None) -> str:
    text: str = typer.prompt(question, default=default, err=True)
    return text.strip()


def _agrees(question: str) -> bool:
    return typer.confirm(question, default=True, err=True)


def _choose(question: str, choices: Mapping[str, str]) -> str:
    """Asks for one of several words, the first by default; asks again for any other."""
    err.say(question)
    for name, meaning in choices.items():
        err.say(f"  {name}: {meaning}")
    return _retried("Choose", next(iter(choices)), lambda text: one_of(text, choices, NO))


def _retried(question: str, default: str, read: Callable[[str], T]) -> T:
    """Asks until the answer can be read."""
    while True:
        text = _prompt(question, default or None)
        try:
            return read(text)
        except ConfigError as error:
            err.say(error.problems[0], style="red")
        except ValueError:
            err.say(f"{text} is not a whole number", style="red")
