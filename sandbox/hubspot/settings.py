"""Holds the switches that a test may turn while the portal runs."""

from dataclasses import dataclass, field
from typing import Final

ALL_SCOPES: Final = (
    "crm.objects.contacts.read", "crm.objects.contacts.write",
    "crm.objects.companies.read", "crm.objects.companies.write",
    "crm.schemas.contacts.write", "crm.schemas.companies.write", "crm.objects.owners.read",
)  # fmt: skip


@dataclass(slots=True)
class Settings:
    portal_id: int = 49_547_190
    public_url: str = "https://api.hubapi.com"
    scopes: tuple[str, ...] = ALL_SCOPES
    required_on_create: dict[str, list[str]] = field(default_factory=dict)
    """Object -> properties an administrator requires; holds for the dated paths."""
    required_beside: dict[str, dict[str, str]] = field(default_factory=dict)
    """Object -> property -> another one that must not be blank where the first is written; for the dated paths."""
    archived_owners: list[str] = field(default_factory=list)
    locked_writes: int = 0
    """So many writes to come are answered 423."""
    rotate_refresh_tokens: bool = False
    token_moods: list[str] = field(default_factory=list)
    """How the next calls of the token endpoint are answered, one by one; names as in `auth.MOODS`."""
    retired: list[str] = field(default_factory=list)
    """Generations of paths that are answered 410: "numbered", "dated". Assumed: no such answer is documented."""
    token_life_s: float = 1_800.0
    numeric_link_ids: bool = False
    """Associations as in the v4 example: `toObjectId` a number. The schema says string."""
