"""Refuses in an org for reasons beyond single values: validation rules, approvals, inactive owners, limits. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.salesforce.errors import ApiError
from sandbox.salesforce.schema import Value


@dataclass(frozen=True, slots=True)
class Validation:
    """Describes an administrator's rule: `field` may not be written on a row whose `needs` is blank."""

    object: str
    field: str
    needs: str
    message: str = "Please state where this contact came from."
    at_field: bool = False
    """Shown at the field, which names it in the answer; else at the top of the page, which names nothing."""


class Rules:
    """Holds the present rules. People satisfy a rule on the spot, so it refuses integrations only."""

    def __init__(self) -> None:
        self.validations: tuple[Validation, ...] = ()
        self.approvals: set[str] = set()
        """Ids of rows that an approval process keeps from being edited."""
        self.trigger_rows: dict[str, int] = {}
        """Object -> rows that its triggers accept in one call; more fail as a whole."""
        self.trigger_words = "System.LimitException: Too many SOQL queries: 101"
        """How they fail; another limit is `System.LimitException: Apex CPU time limit exceeded`."""
        self.storage_full = False

    def refuse_row(self, object_name: str, row_id: str, values: Mapping[str, Value], written: Mapping[str, Value],
                   owner: Mapping[str, Value]) -> None:  # fmt: skip
        """Refuses a row as it would be, by what of it is `written` and by its owner. Raises: ApiError 400."""
        if row_id in self.approvals:
            raise ApiError(400, "ENTITY_IS_LOCKED", "the entity is locked for editing")
        if not row_id and self.storage_full:
            raise ApiError(400, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
        if owner.get("IsActive") is False:
            text = f"operation performed with inactive user [{owner['Id']}] as owner of {object_name.lower()}"
            raise ApiError(400, "INACTIVE_OWNER_OR_USER", text)
        for rule in self.validations:
            if rule.object == object_name and written.get(rule.field) and values.get(rule.needs) in {None, ""}:
                fields = [rule.field] if rule.at_field else []
                raise ApiError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)

    def refuse_call(self, object_name: str, count: int) -> ApiError | None:
        """Refuses every row of a call that is too big for the org's triggers."""
        most = self.trigger_rows.get(object_name)
        if most is None or count <= most:
            return None
        text = f"{object_name}Trigger: execution of BeforeUpdate caused by: {self.trigger_words}"
        return ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
