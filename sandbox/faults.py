"""Makes things go wrong on purpose: rules that choose requests, and the ways to spoil an answer."""

import fnmatch
import random
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.calls import Call

KINDS = {
    # kind: whether the request takes effect (is charged, writes) unless the rule says otherwise
    "status": False,  # params: status, body, headers, content_type
    "redirect": False,  # params: location (default: the same address with https), status
    "hang": True,  # no answer until the client goes away or POST release
    "close": True,  # closes after the whole request was read
    "reset": True,  # the same with RST
    "cut_body": True,  # half of the body, then close
    "reset_mid_body": True,  # half of the body, then RST
    "truncated_json": True,  # half of the JSON in a well-formed response
    "garbled_status": True,  # an invalid status line
    "html": True,  # 200 with a page
    "content_type": True,  # params: content_type (default text/plain)
    "extra_field": True,  # params: name, value
    "missing_field": True,  # params: field (wherever it occurs)
    "null_field": True,  # params: field
    "empty_body": True,  # params: status
    "odd_value": True,  # params: seed; see `oddities`
    "steering_texts": True,  # params: seed, share (of all texts); see `steering`
    "gzip_bomb": True,  # 64 MiB of nothing in 64 KiB
}


@dataclass(slots=True)
class Rule:
    """Describes a fault. `route` is a template or a pattern with `*`; `match` must be in the path, query or body."""

    kind: str
    route: str = "*"
    method: str = "*"
    match: str = ""
    times: int | None = 1
    probability: float = 1.0
    seed: int = 1
    effect: bool | None = None
    params: dict[str, Any] = field(default_factory=dict)
    used: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(self.kind)
        self._random = random.Random(self.seed)

    @property
    def takes_effect(self) -> bool:
        return KINDS[self.kind] if self.effect is None else self.effect

    def draw(self) -> bool:
        """Tells whether the rule strikes this time; uses it up."""
        if self.times is not None and self.used >= self.times:
            return False
        if self.probability < 1.0 and self._random.random() >= self.probability:
            return False
        self.used += 1
        return True


class Drawing(Protocol):
    """Faults by chance, for requests that no rule chose."""

    def draw(self, call: Call) -> Rule | None: ...


class Faults:
    """Rules in the order they were added; the first that fits and draws is used, then the random ones."""

    def __init__(self, weather: Drawing | None = None) -> None:
        self.rules: list[Rule] = []
        self.weather = weather

    def add(self, kind: str, **arguments: Any) -> Rule:
        """Adds a rule; arguments as in `Rule`."""
        rule = Rule(kind, **arguments)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()
        self.weather = None

    def pick(self, call: Call) -> Rule | None:
        for rule in self.rules:
            if fits(rule.route, rule.method, rule.match, call) and rule.draw():
                return rule
        return self.weather.draw(call) if self.weather else None


def fits(route: str, method: str, match: str, call: Call) -> bool:
    """Tells whether a rule's route, method and text choose this call."""
    if method not in {"*", call.method}:
        return False
    # a template has braces and no brackets, so a pattern is unambiguous
    if route not in {"*", call.route.template} and not fnmatch.fnmatchcase(call.route.template, route):
        return False
    return not match or match in call.request.path_qs or match in call.path or match.encode() in call.body


def without_field(body: Any, name: str) -> Any:
    """Returns a JSON value without a key, wherever it occurs."""
    if isinstance(body, dict):
        return {key: without_field(value, name) for key, value in body.items() if key != name}
    if isinstance(body, list):
        return [without_field(item, name) for item in body]
    return body


def with_null(body: Any, name: str) -> Any:
    """Returns a JSON value with null under a key, wherever it occurs."""
    if isinstance(body, dict):
        return {key: None if key == name else with_null(value, name) for key, value in body.items()}
    if isinstance(body, list):
        return [with_null(item, name) for item in body]
    return body


def with_field(body: Any, name: str, value: Any) -> Any:
    """Returns a JSON value with one more key in every object."""
    if isinstance(body, dict):
        return {key: with_field(item, name, value) for key, item in body.items()} | {name: value}
    if isinstance(body, list):
        return [with_field(item, name, value) for item in body]
    return body
