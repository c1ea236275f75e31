"""Describes the forms of the page that people play with."""

from dataclasses import dataclass
from html import escape


class PlayError(Exception):
    """Says in one sentence why a form cannot be carried out."""


@dataclass(frozen=True, slots=True)
class Input:
    name: str
    label: str
    value: str = ""
    choices: tuple[str, ...] = ()

    def html(self) -> str:
        name, label = escape(self.name), escape(self.label)
        if not self.choices:
            return f'<label>{label} <input name="{name}" value="{escape(self.value)}"></label>'
        options = "".join(f"<option>{escape(one)}</option>" for one in self.choices)
        return f'<label>{label} <select name="{name}">{options}</select></label>'


@dataclass(frozen=True, slots=True)
class Form:
    """Describes a form. `action` is the last part of the path it is sent to."""

    action: str
    title: str
    text: str
    button: str
    inputs: tuple[Input, ...] = ()

    def html(self) -> str:
        inputs = "".join(one.html() for one in self.inputs)
        return (
            f'<form method="post" action="/_sandbox/play/{escape(self.action)}"><h2>{escape(self.title)}</h2>'
            f"<p>{escape(self.text)}</p>{inputs}<button>{escape(self.button)}</button></form>"
        )
