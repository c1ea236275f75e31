"""Associations between records: which pairs, under which types. No I/O."""

from collections.abc import Mapping
from typing import Final

from sandbox.hubspot.errors import invalid_input

End = tuple[str, str]
"""(object, id)."""

UNLABELLED: Final[Mapping[tuple[str, str], int]] = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("contacts", "contacts"): 449,
    ("companies", "companies"): 450,
}
INVERSE: Final = {279: 280, 280: 279, 1: 2, 2: 1, 931: 930, 930: 931, 449: 449, 450: 450, 13: 14, 14: 13}
LABELS: Final = {1: "Primary", 2: "Primary"}
_ALLOWED: Final = {
    ("contacts", "companies"): frozenset({279, 1, 931}),
    ("companies", "contacts"): frozenset({280, 2, 930}),
    ("contacts", "contacts"): frozenset({449}),
    ("companies", "companies"): frozenset({450, 13, 14}),
}
PRIMARY: Final = {("contacts", "companies"): 1, ("companies", "contacts"): 2}


class Links:
    def __init__(self) -> None:
        self._pairs: dict[End, dict[End, set[int]]] = {}

    def types(self, source: End, target: End) -> frozenset[int]:
        return frozenset(self._pairs.get(source, {}).get(target, ()))

    def of(self, source: End, name: str) -> dict[str, frozenset[int]]:
        """Maps the linked ids of one object to their type ids."""
        pairs = self._pairs.get(source, {})
        return {end[1]: frozenset(types) for end, types in pairs.items() if end[0] == name}

    def primary(self, contact_id: str) -> str | None:
        linked = self.of(("contacts", contact_id), "companies")
        return next((company for company, types in linked.items() if 1 in types), None)

    def put(self, source: End, target: End, types: set[int] | None) -> set[int]:
        """Sets the labels of the pair; None adds the unlabelled type to the existing ones.

        The first company of a contact becomes its primary one. Raises: ApiError 400.
        """
        kind = (source[0], target[0])
        if types is not None and not types <= _ALLOWED[kind]:
            raise invalid_input(f"Invalid association types for {kind[0]} to {kind[1]}: {sorted(types)}")
        after = {UNLABELLED[kind]} | (set(self.types(source, target)) if types is None else types)
        if kind in PRIMARY:
            contact, company = (source, target) if source[0] == "contacts" else (target, source)
            own = PRIMARY[kind]
            if own not in after and self.primary(contact[1]) in {None, company[1]}:
                after.add(own)
            if own in after:
                self._demote_others(contact, company)
        self._set(source, target, after)
        return after

    def remove(self, source: End, target: End) -> bool:
        """Tells whether there was something to remove."""
        had = self._pairs.get(source, {}).pop(target, None)
        self._pairs.get(target, {}).pop(source, None)
        return bool(had)

    def remove_types(self, source: End, target: End, types: set[int]) -> None:
        """Takes labels away; without the unlabelled type nothing is left."""
        left = set(self.types(source, target)) - types
        if UNLABELLED[source[0], target[0]] in left:
            self._set(source, target, left)
        else:
            self.remove(source, target)

    def forget(self, name: str, record_id: str) -> None:
        for target in list(self._pairs.pop((name, record_id), ())):
            self._pairs.get(target, {}).pop((name, record_id), None)

    def move(self, name: str, old: str, new: str) -> None:
        """Moves the links of a merge's loser to the survivor."""
        for target, types in list(self._pairs.get((name, old), {}).items()):
            if target != (name, new):
                self.put((name, new), target, set(types) - {1, 2} or None)
        self.forget(name, old)

    def _demote_others(self, contact: End, company: End) -> None:
        for other in self.of(contact, "companies"):
            if other != company[1]:
                self._pairs[contact]["companies", other].discard(1)
                self._pairs["companies", other][contact].discard(2)

    def _set(self, source: End, target: End, types: set[int]) -> None:
        self._pairs.setdefault(source, {})[target] = set(types)
        self._pairs.setdefault(target, {})[source] = {INVERSE[one] for one in types}
