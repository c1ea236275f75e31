"""Operations 5 to 10: contacts, person detail and the reverse lookups."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.calls import Call, Reply
from sandbox.forager.shapes import person_detail
from sandbox.forager.state import ForagerState
from sandbox.people import Person

_ENRICHED_EVERY = 5
"""Every so many people without a kept address get one when enrichment is asked for."""


class Lookups:
    def __init__(self, vendor: ForagerState) -> None:
        self.vendor = vendor

    def personal_emails(self, call: Call) -> Reply:
        def found(person: Person) -> list[dict[str, Any]]:
            return _emails(person.forager.personal_emails, "personal")

        return self._contacts(call, "person_personal_email_lookup", found)

    def phone_numbers(self, call: Call) -> Reply:
        def found(person: Person) -> list[dict[str, Any]]:
            return [{"phone_number": phone} for phone in person.forager.phones]

        return self._contacts(call, "person_phone_number_lookup", found)

    def work_emails(self, call: Call) -> Reply:
        enrich = bool(call.object.get("do_contacts_enrichment"))

        def found(person: Person) -> list[dict[str, Any]]:
            known = person.forager.work_emails
            if not known and enrich and person.number % _ENRICHED_EVERY == 0:
                known = ((person.work_email, "unknown"),)
            return _emails(known, "work")

        return self._contacts(call, "person_work_email_lookup", found)

    def person_detail(self, call: Call) -> Reply:
        person, refusal = self._named(call)
        if refusal:
            return refusal
        return self._detail(call, "person_details_lookup", person, "No person matches the given identifier.")

    def by_email(self, call: Call) -> Reply:
        email = call.object.get("email")
        if not isinstance(email, str) or "@" not in email:
            return Reply(400, {"email": ["Enter a valid email address."]})
        call.entry.key = email.lower()
        person = self.vendor.world.by_email.get(email.lower())
        return self._detail(
            call, "person_reverse_email_search", person, "No person matches the given email.", identity=email.lower()
        )

    def by_phone_number(self, call: Call) -> Reply:
        phone = call.object.get("phone_number")
        if not isinstance(phone, str) or not re.search(r"\d{5}", phone):
            return Reply(400, {"phone_number": ["Enter a valid phone number."]})
        call.entry.key = plain = re.sub(r"[^\d+]", "", phone)
        person = self.vendor.world.by_phone.get(plain)
        missing = "No person matches the given phone number."
        return self._detail(call, "person_reverse_phone_number_search", person, missing, identity=plain)

    def _named(self, call: Call) -> tuple[Person | None, Reply | None]:
        """Finds the person by exactly one of `person_id` and `linkedin_public_identifier`, or refuses."""
        number, slug = call.object.get("person_id"), call.object.get("linkedin_public_identifier")
        if (number is None) == (slug is None):
            message = "Exactly one of person_id, linkedin_public_identifier is required."
            return None, Reply(400, {"non_field_errors": [message]})
        world = self.vendor.world
        if slug is not None:
            if not isinstance(slug, str):
                return None, Reply(400, {"linkedin_public_identifier": ["Not a valid string."]})
            call.entry.key = slug
            return world.by_slug.get(slug.lower()), None
        if not isinstance(number, int):
            return None, Reply(400, {"person_id": ["A valid integer is required."]})
        call.entry.key = str(number)
        return world.by_number.get(number), None

    def _contacts(self, call: Call, change_type: str, found: Callable[[Person], list[dict[str, Any]]]) -> Reply:
        person, refusal = self._named(call)
        if refusal := refusal or self.vendor.short_of(change_type):
            return refusal
        contacts = found(person) if person else []
        if not contacts or person is None:
            return Reply(200, [] if self.vendor.misses == "list" else None)
        self.vendor.spend(call, change_type, person.slug, {"person_id": person.number})
        return Reply(200, contacts)

    def _detail(
        self, call: Call, change_type: str, person: Person | None, missing: str, *, identity: str = ""
    ) -> Reply:
        if refusal := self.vendor.short_of(change_type):
            return refusal
        if person is None or not person.forager.detail:
            return Reply(404, {"detail": missing})
        self.vendor.spend(call, change_type, identity or person.slug, {"person_id": person.number})
        return Reply(200, person_detail(person, self.vendor.world))


def _emails(known: Sequence[tuple[str, str]], kind: str) -> list[dict[str, Any]]:
    return [{"email": email, "email_type": kind, "validation_status": grade} for email, grade in known]
