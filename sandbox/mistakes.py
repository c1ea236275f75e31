"""Tells how much of what CRMs and providers hold is mistaken, by kind: the shares a world is drawn with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Shares of all rows unless a field says otherwise. At zero nothing but the world's ordinary gaps is drawn."""

    links: float = 0.0
    """Rows that carry the profile address of somebody else."""
    namesakes: float = 0.0
    """Share of `links` whose profile is a namesake's: spouse, father, brother or a stranger of the same last name."""
    placeholders: float = 0.0
    """Rows with an address, number, name or profile that is nobody's, but that somebody answers to."""
    shared_phones: float = 0.0
    """Rows known by the number of a household or a switchboard."""
    role_addresses: float = 0.0
    """Rows known by an address such as info@."""
    addresses: float = 0.0
    """Rows that hold a colleague's own address."""
    first_names: float = 0.0
    """Rows without a last name."""
    scripts: float = 0.0
    """People whose rows spell the name in its own script, while the providers write Latin."""
    short_names: float = 0.0
    """Rows with a nickname or an initial for a first name."""
    junk: float = 0.0
    """People for whom a provider gives a worthless value before the good one."""

    @property
    def some(self) -> bool:
        return self != FRIENDLY


FRIENDLY = Mistakes()
HARD = Mistakes(
    links=0.15,
    namesakes=0.5,
    placeholders=0.10,
    shared_phones=0.05,
    role_addresses=0.03,
    addresses=0.02,
    first_names=0.03,
    scripts=0.05,
    short_names=0.03,
    junk=0.10,
)
LEVELS = {"friendly": FRIENDLY, "hard": HARD}
