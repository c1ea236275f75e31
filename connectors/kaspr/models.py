"""Defines the bodies Kaspr answers with: one model for the field families of both dialects, everything optional."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.bodies import Body, Count, Many, Number, Part, Rows, Text, Texts


def _value(item: Any) -> Any:
    """Accepts objects in place of the plain value of most replies."""
    if isinstance(item, dict):
        return next((item[name] for name in ("email", "number", "phone") if isinstance(item.get(name), str)), "")
    return item


def _values(value: Any) -> Any:
    return [_value(item) for item in value] if isinstance(value, list | tuple) else []


Values = Annotated[Texts, BeforeValidator(_values)]
Value = Annotated[Text, BeforeValidator(_value)]


def _verdict(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


class CheckedEmail(Body):
    """Holds an address; ``valid`` is ``None`` when the address was not checked."""

    email: Text = ""
    valid: Annotated[bool | None, BeforeValidator(_verdict)] = None


def _checked(value: Any) -> Any:
    rows = value if isinstance(value, list | tuple) else []
    return [{"email": row} if isinstance(row, str) else row for row in rows]


CheckedEmails = Annotated[Rows[CheckedEmail], BeforeValidator(_checked)]


class KasprCompany(Body):
    name: Text = ""
    domains: Texts = ()
    company_page_url: Text = Field(default="", alias="companyPageUrl")
    staff_count: Count = Field(default=0, alias="staffCount")
    industry_name: Text = Field(default="", alias="industryName")


class ProfileBody(Body):
    id: Text = ""
    name: Text = ""
    first_name: Text = Field(default="", alias="firstName")
    last_name: Text = Field(default="", alias="lastName")
    title: Text = ""
    location: Text = ""
    company_name: Text = Field(default="", alias="companyName")
    company: Part[KasprCompany] = KasprCompany()
    fetched_at: Text = Field(default="", alias="fetchedAt")

    starry_work_email: Value = Field(default="", alias="starryWorkEmail")
    work_emails: Values = Field(default=(), alias="workEmails")
    starry_professional_email: Value = Field(default="", alias="starryProfessionalEmail")
    professional_emails: Values = Field(default=(), alias="professionalEmails")
    professional_email: Value = Field(default="", alias="professionalEmail")
    current_pro_email: Value = Field(default="", alias="currentProEmail")
    current_pro_emails: Values = Field(default=(), alias="currentProEmails")

    starry_direct_email: Value = Field(default="", alias="starryDirectEmail")
    direct_emails: Values = Field(default=(), alias="directEmails")
    starry_personal_email: Value = Field(default="", alias="starryPersonalEmail")
    personal_emails: Values = Field(default=(), alias="personalEmails")
    personal_email: Value = Field(default="", alias="personalEmail")
    current_personal_emails: Values = Field(default=(), alias="currentPersonalEmails")

    emails: CheckedEmails = ()
    current_email: Value = Field(default="", alias="currentEmail")

    starry_phone: Value = Field(default="", alias="starryPhone")
    phone: Value = ""
    phones: Values = ()

    @property
    def newer(self) -> bool:
        """Tells whether it has a field family that only dialect v2 sends."""
        names = {"work_emails", "direct_emails", "professional_emails", "personal_emails", "starry_work_email"}
        return bool(names & self.model_fields_set)


class ProfileReply(Body):
    """Holds a reply; ``profile`` is absent or null if nobody was found."""

    profile: ProfileBody | None = None
    message: Text = ""


class Pattern(Body):
    """Holds ``{first}.{last}@example.com``: a guess at how addresses of a domain look, with a score in 0..1."""

    pattern: str
    score: Number = None


class PatternReply(Body):
    patterns: Many[Pattern]


class Employee(Body):
    first_name: Text = Field(default="", alias="firstName")
    last_name: Text = Field(default="", alias="lastName")
    name: Text = ""
    company: Text = ""
    job: Text = ""
    email: Value = ""
    emails: CheckedEmails = ()
    phone: Value = ""
    phones: Values = ()
    location: Text = ""


class EmployeeReply(Body):
    employees: Many[Employee]


class KeyUser(Body):
    user: str


class RemainingCredits(Body):
    """Tells the credits per pool; -1 is without limit, ``None`` unknown."""

    work_email: Number = Field(default=None, alias="workEmailCredits")
    personal_email: Number = Field(default=None, alias="personalEmailCredits")
    phone: Number = Field(default=None, alias="phoneCredits")
    export: Number = Field(default=None, alias="exportCredits")


class RateLimits(Body):
    daily: Number = Field(default=None, alias="dailyLimit")
    hourly: Number = Field(default=None, alias="hourlyLimit")
    minutely: Number = Field(default=None, alias="minutelyLimit")
