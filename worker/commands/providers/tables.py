"""Shows provider values as tables for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from connectors.models import Person
from connectors.openprospect.models import CompanyBody, Order, Prospect
from worker.commands.tables import table

NOTHING = "nothing found"


def listed(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, figures: int = 0) -> Table | str:
    """Returns a table, or a sentence if it would be empty. Ids are not wrapped, because people copy them."""
    if not rows:
        return f"{title}: {NOTHING}"
    shown = table(title, columns, rows, figures=figures)
    for column in shown.columns:
        column.no_wrap = column.header in {"id", "prefix"}
    return shown


def card(title: str, values: Sequence[tuple[str, object]]) -> Table:
    """Returns one thing: its values under each other, blank ones left out."""
    shown = table(title, ("", ""), [(name, value) for name, value in values if value not in (None, "", 0, ())])
    shown.show_header = False
    return shown


def person_card(person: Person) -> Table:
    roles = [f"{role.title or '?'} at {role.company.name or role.company.domain or '?'}" for role in person.roles]
    now = [text for text, role in zip(roles, person.roles, strict=True) if role.current]
    return card(
        person.full_name or f"{person.first_name} {person.last_name}".strip() or "person",
        [
            ("id", person.id),
            ("LinkedIn", person.slug),
            ("title", person.title),
            ("city", person.city),
            ("country", person.country),
            *(("works as", text) for text in dict.fromkeys(now)),
            *(("e-mail", f"{one.address} ({one.grade}{one.kind and ', '}{one.kind})") for one in person.emails),
            *(("phone", one.number) for one in person.phones),
        ],
    )


def people(title: str, rows: Sequence[Person]) -> Table | str:
    return listed(
        title,
        ("name", "title", "company", "e-mails", "phones", "LinkedIn"),
        [
            (
                one.full_name,
                one.title,
                next((role.company.name for role in one.roles if role.current), ""),
                [f"{email.address} ({email.grade})" for email in one.emails],
                [phone.number for phone in one.phones],
                one.slug,
            )
            for one in rows
        ],
    )


def companies(title: str, rows: Sequence[CompanyBody]) -> Table | str:
    return listed(
        title,
        ("id", "name", "domain", "country", "people"),
        [(one.id, one.name, one.domain or one.website, one.country, len(one.prospects) or None) for one in rows],
        figures=1,
    )


def prospects(title: str, rows: Sequence[Prospect]) -> Table | str:
    return listed(
        title,
        ("id", "name", "title", "e-mail", "phone"),
        [
            (
                one.id,
                one.full_name or f"{one.first_name} {one.last_name}".strip(),
                one.job_title,
                f"{one.email} ({one.email_status})" if one.email else "",
                one.mobile_phone or one.phone,
            )
            for one in rows
        ],
    )


def order_card(order: Order) -> Table:
    return card(
        f"order {order.order_id}",
        [
            ("type", order.order_type),
            ("status", order.status),
            ("title", order.title),
            ("companies", order.company_count),
            ("estimated cost", order.estimated_cost),
            ("search", order.prospect_search_id),
            ("created", order.created_at),
            ("completed", order.completed_at),
            ("message", order.message),
        ],
    )


def whole(value: Any) -> Any:
    """Returns a number without needless zeros."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
