"""Checks that the documents point at things that exist, and that prose keeps to the rules for words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from tools.trees import nodes

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PRODUCT = ("bench", "config", "connectors", "sandbox", "tools", "worker")
VERBS_FIRST = (*PRODUCT, "tests/harness")
QUESTION = re.compile(r"(?:What|Who|Whom|Whose|Whoever|Whatever|Which|How|Where|When)\b")
FIRST = re.compile(r"[A-Z][a-z]+\.?(?=\s|$)")  # a noun in front of a colon is no verb
IMPERATIVES = frozenset(
    re.findall(
        r"\w+",
        """
    Add Adopt Announce Answer Append Approve Ask Associate Await Become Begin Book Bring Build Buy Call Carry Change
    Check Choose Claim Close Collect Come Compare Count Create Cut Decide Decline Defer Delete Derive Describe Do
    Drop End Erase Extend Fetch Fill Find Follow Forget Get Give Go Grant Have Hold Ignore Issue Join Judge Keep
    Leave Let Lift Limit Link List Load Log Look Make Manage Mark Match Merge Move Name Note Open Parse Pause Pick
    Place Poll Print Pull Put Raise Read Reap Refuse Register Reject Release Remember Remove Renew Repeat Replace
    Report Reserve Resolve Restore Resume Return Ring Route Run Save Say Scrub Search See Send Serve Set Settle Show
    Skip Sort Split Start Stop Store Suppress Take Tell Tidy Tighten Try Turn Undo Update Verify Visit Wait Wake
    Walk Warn Write
    """,
    )
)
EMPTY = frozenset({"Provides", "Represents"})
"""Says nothing that the next word does not say: a module loads, lists, reads or runs something."""
NOUNS = frozenset(
    re.findall(
        r"\w+",
        """
    Access Accounts Address Always As Blacklists Bodies Budgets Bytes Calls Clients Commands Companies Contacts
    Counters Creations Credits Days Employments Entries Fields Figures Gaps Has Hits Hours Ids Is Its Keys Less
    Letters Libraries Lookups Objects Options Orders Others Ours Owners People Perhaps Plus Pools Posts Prices
    Process Properties Questions Records Redis Refusals Replies Reservations Rights Rows Seconds Secrets Sentences
    Settings Spellings Stages Status Surely Tables Texts Theirs This Those Thus Tickets Us Values Vendors Was Ways
    Webhooks Whereas Whose Windows Words Workers
    """,
    )
)
COUNTABLE = re.compile(
    r" (?:cells|changes|columns|companies|contacts|credits|days|entries|fields|files|gaps|lines|lookups|people|posts"
    r"|records|replies|rows|values|visits|workers|writes)\b"
)
"""Nouns of which a message may tell one."""
LINK = re.compile(r"\]\(([^)#\s]+)")
FILE = re.compile(r"`(\w+\.(?:py|lua))`")
MODULE = re.compile(r"`((?:config|connectors|sandbox|tools|worker)(?:\.\w+)+)`")
TEST = re.compile(r"`(test_\w+)")
PATH = re.compile(r"`((?:\.ci|bench|config|connectors|docs|sandbox|tests|tools|worker)/[\w./*\[\]{},-]+)`")


def test_no_sentence_of_the_product_has_a_clause_for_its_subject() -> None:
    begins = re.compile(r"""(?:\s#|^\s*--|\"{3}|[.] |^ +)\s*(?:What|Who|Whose|Whoever|Whatever) [a-z][^?]*$""")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for room in PRODUCT
        for path in sorted((ROOT / room).rglob("*"))
        if path.suffix in {".py", ".lua"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if begins.search(line)
    ]
    assert found == [], "begin with a noun: a record that waits, people who were found"


def test_no_docstring_of_the_tests_begins_with_a_clause() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line, text in docstrings(path)
        if QUESTION.match(text)
    ]
    assert found == [], "say what it does, or what holds"


def test_told_is_a_rare_word_and_names_no_function() -> None:
    files = [one for room in ("config", "connectors", "worker") for one in (ROOT / room).rglob("*.py")]
    said = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\btold\b|_told\(", line)
    ]
    assert len(said) < 20, "say it plainly: reported, known, noted, shown"
    assert [one for one in said if "_told(" in one] == []


@pytest.mark.xdist_group("sources")
def test_a_figure_and_its_noun_agree() -> None:
    found = []
    for file in (file for room in ("config", "connectors", "worker") for file in (ROOT / room).rglob("*.py")):
        for text in (node for node in nodes(file) if isinstance(node, ast.JoinedStr)):
            for figure, noun in pairwise(text.values):
                match figure, noun:
                    case ast.FormattedValue(value=ast.Name(id=name)), _ if name.isupper():
                        continue  # a constant of ours is never 1
                    case ast.FormattedValue(format_spec=None), ast.Constant(value=str(said)) if COUNTABLE.match(said):
                        found.append(f"{file.relative_to(ROOT)}:{text.lineno}: counted() tells one{said}")
    assert found == []


@pytest.mark.xdist_group("sources")
def test_every_docstring_begins_with_a_verb() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for room in VERBS_FIRST
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, text in docstrings(path)
        if not begins_with_a_verb(text)
    ]
    assert found == [], "begin with a verb: Returns, Claims, Decides; an imperative for commands and steps"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("Returns the name.", True),
        ("Claims a lease.", True),
        ("Send one call.", True),
        ("Ignore.", True),
        ("The name under which it is kept.", False),
        ("One page of a list.", False),
        ("A lookup.", False),
        ("Rows that a key leads to.", False),
        ("Signals: what is worth a look.", False),
        ("``text`` without accents.", False),
        ("Provides spellings of Thai.", False),
    ],
)
def test_a_verb_is_told_from_a_noun(text: str, good: bool) -> None:
    assert begins_with_a_verb(text) is good


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [one for one in LINK.findall(text) if "://" not in one and not (page.parent / one).exists()]
    paths = [one for one in PATH.findall(text) if not list(ROOT.glob(one))]
    assert (links, paths) == ([], [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_module_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [one for one in FILE.findall(text) if one not in known_files()] == []
    assert [one for one in MODULE.findall(text) if not is_known(one)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    known = "\n" + "\n".join(known_tests())  # a page may name a test by its beginning
    assert [one for one in TEST.findall(page.read_text(encoding="utf-8")) if f"\n{one}" not in known] == []


@cache
def known_tests() -> frozenset[str]:
    files = sorted((ROOT / "tests").rglob("*.py"))
    named = {name for path in files for name in re.findall(r"\bdef (test_\w+)", path.read_text(encoding="utf-8"))}
    return frozenset(named | {path.stem for path in files})


@cache
def known_files() -> frozenset[str]:
    rooms = ("bench", "config", "connectors", "sandbox", "tests", "tools", "worker")
    return frozenset(path.name for room in rooms for path in (ROOT / room).rglob("*") if path.suffix in {".py", ".lua"})


def is_known(dotted: str) -> bool:
    """Whether a module, or a name in one, is there; a key or an event begins like one and names no room."""
    if not list(ROOT.glob("/".join(dotted.split(".")[:2]) + "*")):
        return True
    place, _, name = dotted.rpartition(".")
    module, above = ROOT / dotted.replace(".", "/"), ROOT / f"{place.replace('.', '/')}.py"
    if module.is_dir() or module.with_suffix(".py").exists():
        return True
    return above.exists() and re.search(rf"\b{name}\b", above.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_wraps_at_a_hundred_columns(page: Path) -> None:
    assert [number for number, line in prose(page) if len(line) > 100] == []


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Docstrings of a module, its classes and functions, with their lines."""
    for node in nodes(path):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text


def begins_with_a_verb(text: str) -> bool:
    """Tells whether the first word is a verb in the third person, or an imperative."""
    first = FIRST.match(text)
    word = first[0].rstrip(".") if first else ""
    return word in IMPERATIVES or (word.endswith("s") and word not in NOUNS | EMPTY)


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Lines that are neither code nor a table's row, with their numbers."""
    code = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and not line.startswith(("    ", "|")):
            yield number, line
