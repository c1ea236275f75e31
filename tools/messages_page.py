"""Makes docs/messages.md: every sentence of a refusal or failure, by its text, with who says it and where to read on.

A sentence is whatever the product raises as wrong use or as not now, says on standard error, or answers with on the
page. ``…`` stands for what differs each time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.trees import modules, nodes

ROOT = Path(__file__).parents[1]
HEAD = """\
# Messages by their text

Every message with which Refill refuses, warns, or names the next step. Search for a part of your
message that is not a name, number or path; `…` stands for those. The sentence says what to do, and
the page beside it says more. Words, vendors' hints, webhooks and the log are in
[troubleshooting.md](troubleshooting.md).

This page is generated from the product (`make references`).

"""
RAISED = frozenset({
    "AnotherAccountError", "AnotherKeyError", "BadParameter", "BrokenError", "ColumnError", "ConfigError",
    "NotNowError", "TrialError", "UnfitError", "ValueError", "WebError", "WrongUseError",
})  # fmt: skip
OURS = frozenset({"ValueError"})  # raised for settings there; elsewhere they are for programmers
NAMED = frozenset({"price", "sentence", "why"})  # of sentences, where they are put together first
TABLES = re.compile(r"_(HELD|NEXT|WAITS|HINTS?)$")  # names of tables of sentences
LOOSE = (  # where each text of a few words is a sentence for people
    "config/exposure.py", "config/load.py", "config/problems.py", "config/settings.py", "worker/commands/",
    "worker/manual/", "worker/redis/", "worker/service/accounts.py",
)  # fmt: skip
WORDS, FEW = 4, 3
LETTERS = 7  # a shorter rest says nothing by itself
# a name or path, a page of HTML, lines of TOML, a piece of SOQL
NO_SENTENCE = re.compile(r'\S+|<.*|#.*|\w+ = ("[^"]*"|\{[^}]*\})( [#\[].*)?|\(\w+ [<>=] .*')
PLACES: tuple[tuple[str, str, str], ...] = (  # the first that fits: where it stands, who says it, where to read on
    ("config/", "the configuration", "configuration.md"),
    ("worker/commands/providers/", "a provider's command", "by-hand.md"),
    ("worker/commands/fill_csv", "`refill csv`", "csv.md"),
    ("worker/commands/csv_text", "`refill csv`", "csv.md"),
    ("worker/commands/first_config", "`refill init`", "start.md"),
    ("worker/commands/init", "`refill init`", "start.md"),
    ("worker/commands/trial", "`refill sandbox`", "start.md"),
    ("worker/commands/page_orders", "the page", "page.md"),
    ("worker/commands/check", "`refill check`", "troubleshooting.md"),
    ("worker/commands/plan", "`refill plan`", "plan.md"),
    ("worker/commands/alerts", "`refill alerts`", "alerts.md"),
    ("worker/commands/undo", "`refill undo`", "trust.md"),
    ("worker/commands/journal", "`refill journal`", "trust.md"),
    ("worker/commands/reconcile", "`refill reconcile`", "money.md"),
    ("worker/commands/backfill", "`refill backfill`", "passes.md"),
    ("worker/commands/sync", "`refill sync`", "passes.md"),
    ("worker/commands/setup", "`refill setup`", "commands.md"),
    ("worker/commands/", "a command", "commands.md"),
    ("worker/manual/creating", "a provider's command", "by-hand.md"),
    ("worker/manual/buying", "a provider's command", "by-hand.md"),
    ("worker/manual/", "a pass", "passes.md"),
    ("worker/web/page/", "the page", "page.md"),
    ("worker/web/", "the web process", "exposing.md"),
    ("worker/redis/", "the start of a process", "redis.md"),
    ("worker/service/", "the start of a process", "redis.md"),
    ("worker/ledger/", "the ledger", "redis.md"),
    ("worker/decide/columns", "`refill csv`", "csv.md"),
    ("worker/decide/", "the configuration", "configuration.md"),
    ("worker/upkeep/", "a command", "commands.md"),
    ("worker/visits/", "a pass", "passes.md"),
    ("worker/triggers/", "a pass", "passes.md"),
    ("worker/reports/", "a command", "commands.md"),
    ("connectors/", "a call of a vendor", "troubleshooting.md"),
)


def text() -> str:
    rows = sorted({(sentence, *_place(path)) for path, sentence in sentences()}, key=lambda row: (row[0].lower(), row))
    lines = [f"| {sentence.replace('|', chr(92) + '|')} | {who} | [{page}]({page}) |" for sentence, who, page in rows]
    return f"{HEAD}| sentence | who says it | read on |\n|---|---|---|\n" + "\n".join(lines) + "\n"


def sentences() -> Iterator[tuple[str, str]]:
    """Yields each sentence with the file it stands in."""
    for path in modules(*(ROOT / room for room in ("config", "connectors", "worker"))):
        name = path.relative_to(ROOT).as_posix()
        found = [one for node in nodes(path) for one in _spoken(node, name)]
        found += _loose(path) if name.startswith(LOOSE) else ()
        for spelled in (spelled for one in found for spelled in _spelled(one)):
            if len(re.sub(r"[^A-Za-z]", "", spelled)) >= LETTERS and not NO_SENTENCE.fullmatch(spelled):
                yield name, spelled


def _spoken(node: ast.AST, file: str) -> Iterator[ast.expr]:
    """Yields the expressions of a node that people are shown."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in RAISED:
            if (
                name not in OURS
                or file.startswith("config/")
                or file.endswith(("options.py", "addresses.py", "ids.py"))
            ):
                yield from args
        case ast.Call(
            func=ast.Attribute(attr="say", value=ast.Name(id="err")) | ast.Name(id="failed" | "note"), args=[first, *_]
        ):
            yield first
        case ast.Return(value=ast.JoinedStr() as text) | ast.Yield(value=ast.JoinedStr() as text):
            if file == "config/problems.py" or next(_spelled(text)).count(" ") > WORDS:
                yield text
        case ast.Call(func=ast.Name(id="CheckResult"), args=args):
            yield from args[2:]
        case ast.Call(func=ast.Attribute(attr="refusal") | ast.Name(id="with_notice"), args=args):
            yield from args
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)) if TABLES.search(name):
            yield from values
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if TABLES.search(name):
            yield from values
        case ast.keyword(arg="why" | "hint", value=text):
            yield text
        case ast.Assign(targets=[ast.Name(id="hint")], value=text):
            yield text
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(said)) as text):
            if file.startswith("worker/") and name.isupper() and said.count(" ") >= WORDS and "\n" not in said:
                yield text
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.JoinedStr() as text) if name.isupper() or name in NAMED:
            yield text


def _loose(path: Path) -> Iterator[ast.expr]:
    """Yields every text of a few words in a file, but for docstrings and the help of options."""
    inner = {id(piece) for node in nodes(path) if isinstance(node, ast.JoinedStr) for piece in node.values}
    inner |= {id(node.value) for node in nodes(path) if isinstance(node, ast.Expr)}
    inner |= {
        id(node.value) for node in nodes(path) if isinstance(node, ast.keyword) and node.arg in {"help", "metavar"}
    }
    for node in nodes(path):
        if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in inner:
            continue
        if any(said.count(" ") >= FEW for said in _spelled(node)):
            yield node


def _spelled(one: ast.expr) -> Iterator[str]:
    """Yields the texts that an expression may become."""
    match one:
        case ast.Constant(value=str(said)):
            yield _plain(re.sub(r"\{\w*\}", "…", said))
        case ast.JoinedStr(values=pieces):
            yield _plain("".join(_piece(piece) for piece in pieces))
        case ast.List(elts=several) | ast.Tuple(elts=several):
            for each in several:
                yield from _spelled(each)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _spelled(body)
            yield from _spelled(orelse)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = ("…" if isinstance(part, ast.IfExp) else next(_spelled(part), "…") for part in (left, right))
            yield _plain("".join(parts))


def _piece(piece: ast.expr) -> str:
    """Returns a piece of a sentence as it is searched for: a counted noun keeps its plural."""
    match piece:
        case ast.Constant(value=said):
            return str(said)
        case ast.FormattedValue(value=ast.Call(func=ast.Name(id="counted"), args=[_, *words])):
            one, *more = (str(word.value) for word in words if isinstance(word, ast.Constant))
            return f"… {more[0] if more else one + 's'}"
    return "…"


def _plain(said: str) -> str:
    return re.sub(r"(… ?)+…", "…", re.sub(r"\s+", " ", said.replace("`", "'"))).strip()


def _place(path: str) -> tuple[str, str]:
    return next((who, page) for start, who, page in PLACES if path.startswith(start))
