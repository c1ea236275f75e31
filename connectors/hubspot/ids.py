"""Checks record ids of HubSpot. Pure."""

from __future__ import annotations


def is_id(text: str) -> bool:
    """Tells whether this can be a record's id at all: they are numbers as text, in one spelling each."""
    return text.isascii() and text.isdigit() and not text.startswith("0")


def record_id(text: str) -> str:
    """Returns a record's id without blanks around it.

    Raises:
        ValueError: it is not one.
    """
    id = text.strip()
    if not is_id(id):
        raise ValueError("is not a HubSpot record id. Use the number from the record's address")
    return id
