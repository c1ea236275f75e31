"""Loads what is configured; what cannot be loaded is told in one clear sentence each."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config.crms import HubSpotSettings, SalesforceSettings, WatchSettings
from config.load import load
from config.problems import ConfigError
from config.settings import Settings
from config.units import parse_lock
from connectors.forager.options import ForagerOptions
from connectors.limits import Window
from connectors.models import Grade
from connectors.options import parse_duration
from connectors.registry import PAID
from tests.unit.config.samples import EXAMPLE, EXAMPLE_SECRETS, SMALL, SMALL_SECRETS

ORG = '[crm.s]\nkind = "salesforce"\nbase_url = "https://acme.my.salesforce.com"\n'
ORG_SECRETS = {"REFILL_CRM__S__CLIENT_ID": "i", "REFILL_CRM__S__CLIENT_SECRET": "s"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "refill.toml"
    path.write_text(SMALL)
    return path


def small(file: Path, more: str = "", **environ: str) -> Settings:
    file.write_text(SMALL + more)
    return load(file, SMALL_SECRETS | environ)


def problems(file: Path, text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(file, SMALL_SECRETS if environ is None else environ)
    return refused.value.problems


def hubspot(settings: Settings, name: str = "acme_hubspot") -> HubSpotSettings:
    crm = settings.crm[name]
    assert isinstance(crm, HubSpotSettings)
    return crm


def contact(settings: Settings) -> WatchSettings:
    watched = hubspot(settings).watch.contact
    assert watched is not None
    return watched


def test_example_loads_without_a_warning_and_shows_the_defaults(file: Path) -> None:
    file.write_text(EXAMPLE.read_text())
    settings = load(file, EXAMPLE_SECRETS)
    assert settings.warnings == ()
    assert settings.answers.keep_hits == timedelta(days=90)
    bare = load_bare(file)
    for group in ("redis", "web", "worker", "answers", "journal"):
        assert getattr(settings, group) == getattr(bare, group)
    ids = {"budget", "account_id", "api_key", "deliver_to"}
    for provider in ("forager", "kaspr", "openprospect"):
        shown = getattr(settings.providers, provider).model_dump(exclude=ids)
        assert shown == getattr(bare.providers, provider).model_dump(exclude=ids)
    for name in ("acme_hubspot", "acme_salesforce"):
        others = {"watch", "lock"}
        assert settings.crm[name].model_dump(exclude=others) == bare.crm[name].model_dump(exclude=others)
    assert settings.crm["acme_hubspot"].lock == timedelta(days=274)  # an example: the default is off
    assert not bare.crm["acme_hubspot"].lock


@pytest.mark.parametrize(
    ("text", "days"), [("9 months", 274), ("1 month", 30), ("90d", 90), ("off", 0), (timedelta(days=2), 2)]
)
def test_a_lock_is_a_time_or_off(text: object, days: int) -> None:
    assert parse_lock(text) == timedelta(days=days)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("5 minutes", 300), ("1h", 3600), ("1 hour", 3600), ("1 days", 86_400), ("2d", 172_800)],
)
def test_a_duration_is_a_number_and_a_letter_or_a_word(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["4 weeks", "", "months", "0d", 9, "-1 months"])
def test_anything_else_is_not_a_valid_lock(text: object) -> None:
    with pytest.raises(ValueError, match="is not a valid lock; use"):
        parse_lock(text)


def load_bare(file: Path) -> Settings:
    """The example's vendors with nothing but what has no default."""
    file.write_text(
        """
        [providers]
        forager = { account_id = 42, budget = { day = 1 } }
        kaspr = { budget = { day = 1 } }
        openprospect = {}
        [crm]
        acme_hubspot = { kind = "hubspot" }
        acme_salesforce = { kind = "salesforce", base_url = "https://acme.my.salesforce.com" }
        """
    )
    return load(file, EXAMPLE_SECRETS)


def test_a_watch_alone_fills_the_four_usual_fields_in_their_usual_places(file: Path) -> None:
    watched = contact(load(file, SMALL_SECRETS))
    assert {name: rule.property for name, rule in watched.fields.items()} == {
        "work_email": "email", "phone": "phone", "mobile_phone": "mobilephone", "job_title": "jobtitle",
    }  # fmt: skip
    assert watched.fields["work_email"].accept == (Grade.VALID,)
    assert watched.fields["work_email"].from_ is None  # in no order: whoever pays best
    assert watched.identity["linkedin_url"] == "hs_linkedin_url"
    assert watched.identity["company_name"] == "company"


@pytest.mark.parametrize(
    "line", ['where = { "Owner.Name" = "Pia" }', 'where.Owner.Name = ["Pia"]', 'where = { Owner = { Name = "Pia" } }']
)
def test_a_relation_in_a_selection_is_one_dotted_name(file: Path, line: str) -> None:
    watched = contact(small(file, line))
    assert watched.where == {"Owner.Name": ("Pia",)}


def test_given_fields_are_exactly_what_is_filled(file: Path) -> None:
    watched = contact(small(file, 'fields.mobile_phone = { property = "whatsapp" }\n'))
    assert {name: rule.property for name, rule in watched.fields.items()} == {"mobile_phone": "whatsapp"}
    assert watched.identity["mobile_phone"] == "whatsapp"
    assert watched.identity["work_email"] == "email"


def test_salesforce_has_no_linkedin_field_of_its_own(file: Path) -> None:
    more = """
    [crm.sales]
    kind = "salesforce"
    base_url = "https://acme.my.salesforce.com"
    [crm.sales.watch.lead]
    fields.city = {}
    [crm.sales.watch.contact]
    identity.linkedin_url = "LinkedIn_URL__c"
    """
    settings = small(file, more, REFILL_CRM__SALES__CLIENT_ID="i", REFILL_CRM__SALES__CLIENT_SECRET="s")
    crm = settings.crm["sales"]
    assert isinstance(crm, SalesforceSettings)
    assert crm.watch.lead is not None
    assert crm.watch.contact is not None
    assert "linkedin_url" not in crm.watch.lead.identity
    assert crm.watch.lead.identity["company_domain"] == "Website"
    assert crm.watch.lead.fields["city"].property == "City"
    assert crm.watch.contact.identity["linkedin_url"] == "LinkedIn_URL__c"


def test_environment_overrules_dotenv_overrules_secrets_folder_overrules_file(file: Path) -> None:
    secrets = file.parent / "secrets"
    secrets.mkdir()
    for name in ("refill_web__port", "refill_web__host", "REFILL_WORKER__CONCURRENCY"):
        (secrets / name).write_text("1\n")
    (secrets / "ssh_key").write_text("not ours")
    (file.parent / ".env").write_text("REFILL_WEB__PORT=2\nREFILL_WEB__HOST=2\nREFILL_SECRETS_DIR=secrets\nOTHER=1\n")
    settings = small(
        file, "[web]\nport = 4\n[worker]\nconcurrency = 4\n[redis]\nallow_unsafe = true", REFILL_WEB__PORT="3"
    )
    assert (settings.web.port, settings.web.host, settings.worker.concurrency) == (3, "2", 1)
    assert settings.redis.allow_unsafe


@pytest.mark.parametrize(
    ("value", "windows"),
    [
        ("5/minute", (Window(5, 60),)),
        ("5/minute,190/10 seconds", (Window(5, 60), Window(190, 10))),
        ('["5/minute", "9/day"]', (Window(5, 60), Window(9, 86_400))),
    ],
)
def test_rates_can_be_given_in_the_environment(file: Path, value: str, windows: tuple[Window, ...]) -> None:
    settings = load(file, SMALL_SECRETS | {"REFILL_PROVIDERS__FORAGER__RATE": value})
    forager = settings.providers.paid["forager"]
    assert isinstance(forager, ForagerOptions)
    assert forager.rate == windows


@pytest.mark.parametrize("value", ['{"day": 7, "month": 8}', "{ day = 7, month = 8 }"])
def test_tables_can_be_given_in_the_environment(file: Path, value: str) -> None:
    settings = load(file, SMALL_SECRETS | {"REFILL_PROVIDERS__FORAGER__BUDGET": value})
    budget = settings.providers.paid["forager"].budget
    assert (budget.day, budget.month) == (7, 8)


def test_everything_can_be_configured_by_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = SMALL_SECRETS | {
        "REFILL_PROVIDERS__FORAGER__ACCOUNT_ID": "42",
        "REFILL_PROVIDERS__FORAGER__BUDGET__DAY": "500",
        "REFILL_CRM__ACME_HUBSPOT__KIND": "hubspot",
        "REFILL_CRM__ACME_HUBSPOT__WATCH__CONTACT__FIELDS__WORK_EMAIL__PROPERTY": "email",
        "REFILL_CRM__ACME_HUBSPOT__WATCH__CONTACT__WHERE__lifecycleStage": "lead",
    }
    settings = load(None, environ)
    watched = contact(settings)
    assert list(watched.fields) == ["work_email"]
    assert watched.where == {"lifecycleStage": ("lead",)}
    assert settings.data_dir == tmp_path / ".refill"


def test_variables_of_what_is_not_configured_are_ignored_with_a_warning(file: Path) -> None:
    settings = small(
        file, REFILL_PROVIDERS__KASPR__API_KEY="kaspr-canary", REFILL_CRM__OLD__TOKEN="old-canary",
        REFILL_CRM__OLD__MODE="auto", REFILL_SERVICE_HOST="10.0.0.1",
    )  # fmt: skip
    assert "kaspr" not in settings.providers.paid
    assert list(settings.crm) == ["acme_hubspot"]
    said = "\n".join(settings.warnings)
    assert "2 variables REFILL_CRM__OLD__* ignored: crm.old is not configured" in said
    assert "1 variable REFILL_PROVIDERS__KASPR__* ignored" in said
    assert "canary" not in said


def test_relative_data_dir_starts_at_the_folder_of_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert load(file, SMALL_SECRETS).data_dir == file.parent / ".refill"
    assert small(file, REFILL_DATA_DIR="elsewhere").data_dir == file.parent / "elsewhere"
    assert small(file, REFILL_DATA_DIR="/data").data_dir == Path("/data")


def test_file_is_found_by_argument_then_variable_then_here(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert load(None, SMALL_SECRETS | {"REFILL_CONFIG": str(file)}).providers.paid
    monkeypatch.chdir(file.parent)
    assert load(None, SMALL_SECRETS).providers.paid


def test_no_file_and_no_variables_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^there is no configuration at refill.toml: write one"):
        load(None, {})


def test_two_webhook_secrets_are_taken_during_rotation(file: Path) -> None:
    crm = hubspot(small(file, REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET="new, old"))
    assert [secret.get_secret_value() for secret in crm.webhook_secret] == ["new", "old"]


def test_blank_values_are_a_list_and_none_by_default(file: Path) -> None:
    assert hubspot(small(file)).blank_values == ()
    name = "REFILL_CRM__ACME_HUBSPOT__BLANK_VALUES"
    assert hubspot(small(file, **{name: "N/A, -"})).blank_values == ("N/A", "-")
    assert hubspot(small(file, **{name: '["N/A"]'})).blank_values == ("N/A",)
    sentence = "crm.acme_hubspot.blank_values holds an empty text, which is a gap anyway. Leave it out"
    assert problems(file, SMALL, SMALL_SECRETS | {name: '["N/A", " "]'}) == (f"{name}: {sentence}",)


def test_secrets_are_in_no_text_of_the_settings(file: Path) -> None:
    file.write_text(EXAMPLE.read_text())
    environ = EXAMPLE_SECRETS | {
        "REFILL_REDIS__URL": "redis://:redis-canary@localhost/0",
        "REFILL_WEB__TOKEN": "web-canary",
        "REFILL_SECRET_KEY": "key-canary",
        "REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET": "hook-canary",
    }
    settings = load(file, environ)
    assert "canary" not in repr(settings) + str(settings) + settings.model_dump_json()


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


KASPR, COMPANY = "[providers.kaspr]\nbudget = { day = 1 }\n", "[crm.acme_hubspot.watch.company]\nfields.industry"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = [", "is not valid TOML"),
        ("[web]\nprot = 1", "refill.toml:2: unknown key web.prot; did you mean port?"),
        ('"[key]" = 1', "refill.toml:1: unknown key [key]; known are"),
        (changed("budget", "bugdet"), "refill.toml:3: unknown key providers.forager.bugdet; did you mean budget?"),
        (changed("budget = { day = 500 }", ""), "providers.forager has no budget"),
        (changed("day = 500", ""), "providers.forager.budget limits nothing"),
        (changed("day = 500", "day = -5"), "refill.toml:3: providers.forager.budget.day must be at least 0"),
        (SMALL + "[worker]\nconcurrency = 0", "worker.concurrency must be "),
        (changed("day", "week"), "unknown key providers.forager.budget.week; known are day, month"),
        (SMALL + "fields.work_mail = {}", "watch.contact.fields.work_mail; did you mean work_email?"),
        (SMALL + 'fields.job_title = { form = ["kaspr"] }', "fields.job_title.form; did you mean from?"),
        (SMALL + "fields.personal_email = {}", "fields.personal_email has no property"),
        (SMALL + 'fields.phone = { accept = ["valid"] }', "fields.phone has no grades"),
        (SMALL + "fields.work_email = { accept = [] }", "fields.work_email.accept is empty"),
        (SMALL + 'fields.phone = { from = ["clearbit"] }', f"fields.phone.from.0 must be '{min(PAID)}'"),
        (SMALL + "[web]\nport = 'a'", "web.port must be a whole number"),
        ("web = 1", "web must be a table"),
        ("[redis]\nallow_unsafe = 'perhaps'", "redis.allow_unsafe must be true or false"),
        (changed('"hubspot"', '"hubspot"\nstrict = true'), "unknown key crm.acme_hubspot.strict"),
        (
            f'{SMALL}{COMPANY} = {{ property = "industry", from = "kaspr" }}',
            "crm.acme_hubspot.watch.company.fields.industry takes no from: companies are delivered and not bought",
        ),
        (
            f'{SMALL}{COMPANY} = {{ property = "industry", write = "always" }}',
            "crm.acme_hubspot.watch.company.fields.industry.write must be 'if_blank' or 'never'",
        ),
        (SMALL + KASPR + "dialect = 1", "dialect must be 'reference' or 'v2'"),
        (SMALL + '[providers.clearbit]\nbase_url = "https://x"', "unknown key providers.clearbit; known are"),
        (SMALL + KASPR + 'rate = "fast"', '= "fast" is not a valid rate; use calls'),
        (SMALL + '[worker]\ngrace = "soon"', 'refill.toml:10: worker.grace = "soon" is not a valid duration'),
        (SMALL + "[worker]\ngrace = 75", 'worker.grace = "75" is not a valid duration'),
        (changed("account_id = 42", ""), "providers.forager lacks account_id"),
        (
            changed("account_id", 'base_url = "http://api.acme.com"\naccount_id'),
            "providers.forager.base_url goes over plain http to api.acme.com: use https",
        ),
        (changed("account_id", 'base_url = "x"\naccount_id'), "providers.forager.base_url is not a valid address"),
        (changed("acme_hubspot", "acme__hubspot"), "crm.acme__hubspot is not a valid name for a crm"),
        (changed("acme_hubspot", "Acme"), "crm.Acme is not a valid name for a crm"),
        (changed('kind = "hubspot"', ""), "crm.acme_hubspot has no kind"),
        (changed('"hubspot"', '"zoho"'), 'crm.acme_hubspot.kind is neither "hubspot" nor "salesforce"'),
        ('budget_zone = "Mars"', 'budget_zone = "Mars" is not a time zone'),
        ('[redis]\nurl = "localhost"', "redis.url is not a valid Redis address"),
        (SMALL + '[providers.openprospect]\ndeliver_to = ["old"]', 'deliver_to names "old", not a configured crm'),
        (SMALL + KASPR + 'on_uncertain = "once_if_uncharged"', "needs sole_user = true"),
    ],
)
def test_bad_configuration_is_one_clear_sentence(file: Path, text: str, sentence: str) -> None:
    environ = SMALL_SECRETS | {
        "REFILL_PROVIDERS__KASPR__API_KEY": "k",
        "REFILL_PROVIDERS__OPENPROSPECT__API_KEY": "o",
        "REFILL_CRM__ACME__HUBSPOT__TOKEN": "h",
    }
    found = [problem for problem in problems(file, text, environ) if sentence in problem]
    assert len(found) == 1, problems(file, text, environ)
    assert "\n" not in found[0]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('[web]\ntoken = "t-canary"', "refill.toml:10: web.token is a secret and does not belong in this file: set "),
        ('[web]\ntoken = "t-canary"', "set REFILL_WEB__TOKEN instead"),
        ('[providers.kaspr]\napi_key = "t-canary"', "set REFILL_PROVIDERS__KASPR__API_KEY instead"),
        ('[crm.b]\nclient_secret = "t-canary"', "set REFILL_CRM__B__CLIENT_SECRET instead"),
        ('[redis]\nurl = "redis://:t-canary@localhost"', "redis.url holds a password and does not belong in this file"),
    ],
)
def test_secret_in_the_file_refuses_the_start_without_showing_it(file: Path, line: str, sentence: str) -> None:
    found = "\n".join(problems(file, SMALL + line))
    assert sentence in found
    assert "canary" not in found


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("REFILL_PROVIDERS__FORAGER__API_KEY", "providers.forager has no API key: set {}"),
        ("REFILL_CRM__ACME_HUBSPOT__TOKEN", "crm.acme_hubspot has no credential: set {}, or "),
    ],
)
@pytest.mark.parametrize("is_empty", [False, True])
def test_missing_or_empty_secret_names_its_variable(file: Path, name: str, sentence: str, is_empty: bool) -> None:
    environ = {key: text for key, text in SMALL_SECRETS.items() if key != name} | ({name: ""} if is_empty else {})
    (found,) = problems(file, SMALL, environ)
    assert sentence.format(name) in found


@pytest.mark.parametrize(
    ("auth", "names"),
    [
        ("client_credentials", ["CLIENT_ID", "CLIENT_SECRET"]),
        ("jwt", ["CLIENT_ID", "USERNAME", "PRIVATE_KEY_FILE"]),
        ("refresh_token", ["CLIENT_ID", "REFRESH_TOKEN"]),
    ],
)
def test_salesforce_says_what_its_kind_of_login_needs(file: Path, auth: str, names: list[str]) -> None:
    (found,) = problems(file, f'{ORG}auth = "{auth}"\n', {})
    assert found.endswith("set " + " and ".join(f"REFILL_CRM__S__{name}" for name in names))


@pytest.mark.parametrize(
    ("line", "environ", "where"),
    [
        ('password = "p-canary"', {}, "refill.toml:4: crm.s.password"),
        ('security_token = "p-canary"', {}, "refill.toml:4: crm.s.security_token"),
        ('auth = "password"', {}, "refill.toml:4: crm.s.auth"),
        ('auth = "username-password"', {}, "refill.toml:4: crm.s.auth"),
        ('auth = "soap"', {}, "refill.toml:4: crm.s.auth"),
        ("", {"REFILL_CRM__S__PASSWORD": "p-canary"}, "REFILL_CRM__S__PASSWORD: crm.s.password"),
        ("", {"REFILL_CRM__S__SECURITY_TOKEN": "p-canary"}, "REFILL_CRM__S__SECURITY_TOKEN: crm.s.security_token"),
    ],
)
def test_sign_in_by_password_is_refused_with_help(file: Path, line: str, environ: dict[str, str], where: str) -> None:
    first, *more = problems(file, ORG + line, ORG_SECRETS | environ)
    assert first.startswith(f"{where} is a sign-in that is being retired")
    for told in ("20 February 2027", "Summer '27", "External Client App", "JWT bearer", 'auth = "jwt"'):
        assert told in first
    assert "canary" not in first
    assert more == [
        "refill.toml:1: crm.s has no credential: set REFILL_CRM__S__USERNAME and REFILL_CRM__S__PRIVATE_KEY_FILE"
    ]


@pytest.mark.parametrize("name", ["api_key", "hapikey"])
def test_an_api_key_of_hubspot_is_refused_with_its_date_and_the_way_out(file: Path, name: str) -> None:
    (found,) = problems(file, SMALL.replace('kind = "hubspot"', f'kind = "hubspot"\n{name} = "p-canary"'))
    retired = "is a sign-in that is being retired: HubSpot ends API keys"
    assert found.startswith(f"refill.toml:7: crm.acme_hubspot.{name} {retired}")
    assert all(told in found for told in ("30 November 2022", "service key"))
    assert "canary" not in found


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('api_version = "30.0"', 'Salesforce ends API versions 7.0 to 30.0 with Summer \'25. Use api_version = "66.0"'),
        ('login_base = "https://login.salesforce.com"', 'Use the org\'s own ("My Domain") address'),
        ('base_url = "https://a--b.sandbox.lightning.force.com"', "Use https://a--b.sandbox.my.salesforce.com"),
        ('base_url = "https://acme.lightning.force.com"', "Use https://acme.my.salesforce.com"),
        ('base_url = "https://test.salesforce.com"', 'Use the org\'s own ("My Domain") address'),
    ],
)
def test_an_address_or_version_that_no_api_answers_is_refused(file: Path, line: str, sentence: str) -> None:
    text = f'[crm.s]\nkind = "salesforce"\n{line}\n'
    text += "" if "base_url" in line else 'base_url = "https://acme.my.salesforce.com"\n'
    (found,) = problems(file, text, ORG_SECRETS)
    assert sentence in found


def test_versions_that_still_answer_are_taken_though_their_end_is_announced(file: Path) -> None:
    file.write_text(ORG + 'api_version = "40.0"')
    crm = load(file, ORG_SECRETS).crm["s"]
    assert isinstance(crm, SalesforceSettings)
    assert crm.api_version == "40.0"


def test_private_key_that_is_not_there_is_named(file: Path) -> None:
    secrets = {"REFILL_CRM__S__CLIENT_ID": "i", "REFILL_CRM__S__USERNAME": "u"}
    (found,) = problems(file, f'{ORG}auth = "jwt"\n', secrets | {"REFILL_CRM__S__PRIVATE_KEY_FILE": "key.pem"})
    assert found == f"refill.toml:1: crm.s private_key_file: there is no file {file.parent / 'key.pem'}"


def test_unknown_variable_is_refused_by_its_name(file: Path) -> None:
    (found,) = problems(file, SMALL, SMALL_SECRETS | {"REFILL_REDIS__ULR": "redis://localhost"})
    assert found == "REFILL_REDIS__ULR: unknown key redis.ulr; did you mean url?"


def test_several_problems_are_listed_one_per_line(file: Path) -> None:
    found = problems(file, SMALL.replace("day", "week") + "[web]\nprot = 1\n[worker]\ngrace = 1", {})
    assert len(found) == 5  # with the two secrets that are missing
    assert str(ConfigError(found)).splitlines() == list(found)


def test_provider_that_is_named_and_not_configured_is_left_out_with_a_warning(file: Path) -> None:
    assert small(file).warnings == ()
    settings = small(file, 'fields.phone = { from = ["kaspr", "forager"] }')
    assert settings.warnings == ("crm.acme_hubspot would ask kaspr, which is not configured: it is left out",)


def test_webhooks_of_hubspot_without_a_public_address_are_warned_of(file: Path) -> None:
    secret = {"REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET": "canary"}
    told = "HubSpot signs the address that it calls, and without web.public_url that is http://127.0.0.1:8080"
    assert small(file, **secret).warnings == (f"crm.acme_hubspot: {told}",)
    assert small(file, **secret, REFILL_WEB__PUBLIC_URL="https://refill.acme.test").warnings == ()


def test_what_says_that_a_value_is_bad_is_of_a_field_that_is_filled(file: Path) -> None:
    bad = ORG + 'watch.contact = {}\nbad.contact.%s = { EmailBouncedDate = ["*"] }\n'
    (found,) = problems(file, bad % "city", ORG_SECRETS)
    assert "bad.contact.city names a field that is not filled: add it to watch.contact" in found
    file.write_text(bad % "work_email")
    assert load(file, ORG_SECRETS).crm["s"].bad["contact"]["work_email"] == {"EmailBouncedDate": ("*",)}
