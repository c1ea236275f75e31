"""Prints for a command by hand: prices before, values after, refusals as one sentence each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass
from functools import wraps
from typing import Any, TypeVar

import typer
from msgspec import Struct, to_builtins
from pydantic import BaseModel
from rich.table import Table

from config.counts import counted
from config.plain import shown
from config.problems import ConfigError
from connectors.errors import (
    AccessError,
    ConflictError,
    ConnectorError,
    ContractError,
    CreditsError,
    NotFoundError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
)
from connectors.models import Question
from worker.commands.session import err, out, print_json
from worker.manual.buying import Buyer, NotNowError, at
from worker.manual.exit_codes import DONE, FAILED, WRONG_USE

Body = TypeVar("Body", bound=Callable[..., Coroutine[Any, Any, None]])
_NEXT: Mapping[type[ConnectorError], str] = {
    UnavailableError: "it did not answer, try again later",
    OutcomeUnknownError: "it was sent and no clear answer came back, so it may be charged: refill uncertain list",
    NotFoundError: "there is none, or this key does not see it",
    ConflictError: "its state does not allow this now: look at it and try again",
    RejectedError: "the vendor refused it, and would refuse the same call again",
    AccessError: "the key is refused or lacks a right: refill check",
    CreditsError: "there are no credits left",
    ContractError: "the answer does not have the documented form: none of it was used",
}


class WrongUseError(ConfigError):
    """Signals wrong use; one sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__([sentence])


class DeclinedError(Exception):
    """Says that a person said no."""


def as_command(app: typer.Typer, name: str | None = None) -> Callable[[Body], Body]:
    """Puts an async function under a name of ``app``; every mistake and every refusal is one sentence."""

    def registered(body: Body) -> Body:
        @app.command(name)
        @wraps(body)
        def run(*args: Any, **kwargs: Any) -> None:
            finish(body(*args, **kwargs))

        return body

    return registered


def finish(main: Coroutine[Any, Any, None]) -> None:
    """Runs a command to its end and ends with its exit code."""
    raise typer.Exit(asyncio.run(_ended(main)))


async def _ended(main: Coroutine[Any, Any, None]) -> int:
    code = FAILED
    try:
        await main
    except ConfigError as error:
        code, sentences = WRONG_USE, error.problems
    except DeclinedError:
        sentences = ("nothing was sent",)
    except NotNowError as error:
        sentences = (str(error),)
    except ConnectorError as error:
        sentences = (sentence(error),)
    else:
        return DONE
    for text in sentences:
        err.say(text, style="red")
    return code


def sentence(error: ConnectorError) -> str:
    """Describes a refusal and the next step; without the vendor's own text."""
    parts = [
        f"status {error.status}" if error.status else "",
        error.code,
        error.request_id and f"request {error.request_id}",
    ]
    what = f"{error.vendor} {error.operation.replace('_', ' ')}"
    facts = ", ".join(filter(None, parts))
    if error.status == 405:
        return f"{what} ({facts}): the vendor has no such operation in this account; all others work"
    kind = next((kind for kind in type(error).__mro__ if kind in _NEXT), None)
    return f"{what}{f' ({facts})' if facts else ''}: {error.hint or (_NEXT[kind] if kind else 'it failed')}"


def note(text: str) -> None:
    """Prints a remark besides the answer, on standard error."""
    err.say(text)


# ---- before ----------------------------------------------------------------------------------------------------------


async def agreed(buyer: Buyer, questions: Sequence[Question], *, yes: bool) -> None:
    """Print the worst price and ask; a kept answer is free and needs no question.

    Raises:
        NotNowError: it costs more than is left.
        WrongUseError: there is no terminal to ask on.
        DeclinedError: the person said no.
    """
    quote = await buyer.quote(questions)
    if not quote.new:
        return
    name = buyer.provider.name
    price = f"{name}: up to {credits_of(quote.at_most)}, {quote.left} left today"
    if quote.at_most > quote.left:
        raise NotNowError(f"{price}: not enough, nothing was sent")
    await confirmed(price, yes=yes)


@contextmanager
def telling_what_was_spent(buyer: Buyer) -> Iterator[None]:
    """Tells what the calls before a failed one cost: their answers are kept."""
    try:
        yield
    except (ConnectorError, NotNowError):
        if buyer.bought:
            note(f"{credits_of(buyer.spent)} spent before this failed; what came is kept and free to ask for again")
        raise


async def confirmed(text: str, *, yes: bool) -> None:
    """Announce the call and ask, unless ``yes``.

    Raises:
        WrongUseError: standard input is not a terminal.
        DeclinedError: the person said no.
    """
    if yes:
        note(text)
        return
    if not sys.stdin.isatty():
        raise WrongUseError(f"{text}: without a terminal, give --yes, nothing was sent")
    err.print(shown(f"{text}. Go on? [y/N] "), end="", highlight=False)
    if (await _typed()).strip().lower() not in {"y", "yes"}:
        raise DeclinedError


async def _typed() -> str:
    """Returns a line from the terminal; Ctrl-C ends the wait, which a thread that reads would not notice."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        loop.remove_reader(sys.stdin)
        line.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, read)
    try:
        return await line
    finally:
        loop.remove_reader(sys.stdin)


# ---- after -----------------------------------------------------------------------------------------------------------


def tell(as_json: bool, value: object, show: Callable[[], Table | str | None]) -> None:
    """Says a free answer: JSON for scripts, else what ``show`` makes of it."""
    if as_json:
        print_json(plain(value))
        return
    _show(show())


def tell_paid(as_json: bool, buyer: Buyer, value: object, show: Callable[[], Table | str | None]) -> None:
    """Prints a paid answer, with its cost now and since when it is kept."""
    kept = at(buyer.kept_ms) if buyer.kept_ms else None
    if as_json:
        print_json({"result": plain(value), "credits": buyer.spent, "kept_since": kept})
        return
    _show(show())
    if kept and not buyer.bought:
        note(f"0 credits: kept since {kept}")
    elif kept:
        note(f"{credits_of(buyer.spent)}; a part was free, kept since {kept}")
    else:
        note(credits_of(buyer.spent))


def credits_of(count: int) -> str:
    """Returns ``1 credit``, ``5 credits``."""
    return counted(count, "credit")


def _show(found: Table | str | None) -> None:
    if isinstance(found, str):
        out.say(found)
    elif found is not None:
        out.print(found)


def plain(value: object) -> Any:
    """Returns a value as JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=False)
    if isinstance(value, Struct) or (is_dataclass(value) and not isinstance(value, type)):
        return to_builtins(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
