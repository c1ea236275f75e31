"""Operations 21 to 26: autocomplete, also under the account."""

from sandbox.calls import Call, Reply
from sandbox.countries import INDUSTRIES, TECHNOLOGIES
from sandbox.forager.shapes import LOCATIONS
from sandbox.people import World
from sandbox.vendor import as_int

KINDS = ("industries", "organizations", "organization_keywords", "locations", "person_skills", "web_technologies")
PAGE = 20


class Suggestions:
    def __init__(self, world: World) -> None:
        self._entries: dict[str, list[tuple[str, str]]] = {
            "industries": [(str(number), name) for number, name in INDUSTRIES],
            "organizations": [(str(company.number), company.name) for company in world.companies],
            "organization_keywords": [(str(number + 900), name.lower()) for number, name in INDUSTRIES],
            "locations": [(str(number), f"{city}, {country}") for (city, country), number in LOCATIONS.items()],
            "person_skills": [("1", "Negotiation"), ("2", "Forecasting"), ("3", "Welding")],
            "web_technologies": [(str(number), name) for number, name, _ in TECHNOLOGIES],
        }

    def suggest(self, kind: str, call: Call) -> Reply:
        """Suggests names that contain `q`; pages count from 1 and ids are strings."""
        wanted = call.query.get("q", "").casefold()
        if not wanted:
            return Reply(400, {"q": ["This field is required."]})
        call.entry.key = wanted
        page = max(1, as_int(call.query.get("page"), 1))
        found = [(number, text) for number, text in self._entries[kind] if wanted in text.casefold()]
        shown = found[(page - 1) * PAGE : page * PAGE]
        more = len(found) > page * PAGE
        results = [{"id": number, "text": text} for number, text in shown]
        return Reply(200, {"results": results, "pagination": {"more": more}})
