"""A Redis belongs to the installation that used it first; a second one is refused, more processes of it never are."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any

import pytest
from structlog.testing import capture_logs

from config.load import load
from tests.integration.redis.test_restored import reasons, refill
from tests.integration.scene import CRM, Scene
from worker.ledger.intake.accounts import Accounts
from worker.service import lifecycle
from worker.service.accounts import AnotherAccountError, refuse_another
from worker.service.opening import open_crms
from worker.service.runtime import open_runtime

COMMANDS = ("status", "web", "worker", "up")


@pytest.fixture(autouse=True)
def port(monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> None:
    """A port of the test's own: a neighbour may listen where the product does by default."""
    monkeypatch.setenv("REFILL_WEB__PORT", str(unused_tcp_port))


def configure(scene: Scene, **keys: int | str) -> None:
    """Write keys of the installation's crm, or of the table whose name stands before two underscores."""
    path = scene.folder / "refill.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    for key, value in keys.items():
        table, _, name = key.rpartition("__")
        head = f"[{table.replace('__', '.') or f'crm.{CRM}'}]"
        at = lines.index(head) + 1
        end = next((n for n in range(at, len(lines)) if lines[n].startswith("[")), len(lines))
        kept = [line for line in lines[at:end] if line.partition(" ")[0] != name]
        lines[at:end] = [f"{name} = {json.dumps(value)}", *kept]
    path.write_text("\n".join(lines), encoding="utf-8")


async def refused(scene: Scene, capsys: pytest.CaptureFixture[str], *commands: str) -> str:
    """Returns what a person is told by every command, which all end with the same code."""
    told = ""
    for command in commands or COMMANDS:
        capsys.readouterr()
        assert (await refill(scene, command))[0] == 2, command
        told = " ".join(capsys.readouterr().err.split())
    return told


async def opening(scene: Scene) -> list[str]:
    """Returns what a further worker logs as errors while it opens its crm, which stays shut."""
    async with open_runtime(scene.settings, scene.redis) as runtime:
        with capture_logs() as told:
            await open_crms(runtime)
        assert runtime.shut == {CRM}
    return [one["event"] for one in told if one["log_level"] == "error"]


async def found(scene: Scene, part: str) -> list[dict[str, Any]]:
    """Returns what ``check`` says failed of a part."""
    _, out = await refill(scene, "check", "--json")
    return [one for one in json.loads(out)["checks"] if one["part"] == part and one["level"] == "failed"]


async def held(scene: Scene) -> dict[bytes, bytes]:
    told: dict[bytes, bytes] = await scene.ledger.scripts.call("HGETALL", "refill:intake:accounts")
    return told


async def test_another_portal_under_the_same_name_is_refused_and_both_are_named(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(scene, portal_id=111)
    assert (await refill(scene, "status"))[0] == 0
    assert (await refill(scene, "status"))[0] == 0
    configure(scene, portal_id=222)
    told = await refused(scene, capsys)
    assert f"crm.{CRM} is portal 222 here, and portal 111 in this Redis" in told
    assert "Give the crm another name or this installation a Redis of its own" in told
    assert [one["part"] for one in await found(scene, "installation")] == ["installation"]
    assert f"redis-cli HDEL refill:intake:accounts {CRM}" in told  # the way out
    await scene.ledger.scripts.call("HDEL", "refill:intake:accounts", CRM)
    assert (await refill(scene, "status"))[0] == 0


async def test_portal_that_no_configuration_names_is_asked_for_and_pinned(scene: Scene) -> None:
    """Production names no ``portal_id``, and neither does staging beside it."""
    await scene.worker()
    portal = scene.vendors["hubspot"].settings.portal_id
    assert await Accounts(scene.ledger.scripts).of(CRM) == str(portal)
    scene.vendors["hubspot"].settings.portal_id = 222
    assert await opening(scene) == ["crm.refused"]
    assert await reasons(scene) == set()  # a pause would keep the one out whose name it is
    (failure,) = await found(scene, CRM)
    assert f"crm.{CRM} is portal 222 here, and portal {portal} in this Redis" in failure["told"]


async def test_token_of_another_portal_than_portal_id_says_is_refused(scene: Scene) -> None:
    configure(scene, portal_id=111)
    (failure,) = await found(scene, CRM)
    assert "portal 111 in the configuration, and its credential belongs to portal 49547190" in failure["told"]
    scene.settings = load(scene.folder / "refill.toml", {})
    assert await opening(scene) == ["crm.refused"]
    assert await held(scene) == {}


async def test_portal_that_does_not_show_whose_it_is_opens(scene: Scene) -> None:
    scene.fault("status", vendor="hubspot", route="/account-info/v3/details", params={"status": 403})
    await scene.worker()
    assert await Accounts(scene.ledger.scripts).of(CRM) == ""


async def test_login_that_leads_to_another_org_is_refused(scene: Scene) -> None:
    accounts = Accounts(scene.ledger.scripts)
    for _ in range(2):
        await refuse_another(accounts, scene.settings, CRM, "00D000000000001AAA")
    await refuse_another(accounts, scene.settings, CRM, "")  # nothing is known of it
    with pytest.raises(AnotherAccountError, match="00D000000000002AAA here, and portal 00D000000000001AAA in"):
        await refuse_another(accounts, scene.settings, CRM, "00D000000000002AAA")


async def test_second_installation_of_the_same_crm_is_told_apart_by_its_name(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await refill(scene, "status"))[0] == 0
    before = await held(scene)
    monkeypatch.setenv("REFILL_INSTALLATION", "staging")
    told = await refused(scene, capsys)
    assert f"this is the installation staging, and crm.{CRM} in this Redis is of an installation without a name" in told
    assert await held(scene) == before  # who is refused leaves no mark
    path = scene.folder / "refill.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(f"crm.{CRM}", "crm.staging_hubspot"), encoding="utf-8")
    monkeypatch.setenv("REFILL_CRM__STAGING_HUBSPOT__TOKEN", "x")
    (scene.folder / ".env").write_text(
        (scene.folder / ".env").read_text(encoding="utf-8").replace("ACME_HUBSPOT", "STAGING_HUBSPOT"), encoding="utf-8"
    )
    assert (await refill(scene, "status"))[0] == 0  # another crm name is another matter


async def test_folder_that_worked_on_another_redis_is_another_installation_though_neither_has_a_name(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same portal and the same account: nothing but the folders tells the two apart."""
    assert (await refill(scene, "status"))[0] == 0
    ours, other = scene.settings.data_dir, scene.folder / "staging"
    other.mkdir()
    (other / "installation").write_text(f"{'5' * 16}\n")
    monkeypatch.setenv("REFILL_DATA_DIR", str(other))
    before = await held(scene)
    told = await refused(scene, capsys)
    assert f"{other} has worked for another installation than this Redis holds, and neither has a name" in told
    assert f"delete {other / 'installation'}" in told
    assert [one["part"] for one in await found(scene, "installation")] == ["installation"]
    assert await held(scene) == before
    (other / "installation").unlink()  # the way out: it joins
    assert (await refill(scene, "status"))[0] == 0
    assert (other / "installation").read_text() == (ours / "installation").read_text()
    assert (other / "installation").stat().st_mode & 0o777 == 0o600


async def test_a_name_says_more_than_a_folder(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFILL_INSTALLATION", "production")
    assert (await refill(scene, "status"))[0] == 0
    mark = scene.settings.data_dir / "installation"
    pinned = mark.read_text()
    mark.write_text(f"{'5' * 16}\n")
    assert (await refill(scene, "status"))[0] == 0
    assert mark.read_text() == pinned


@pytest.mark.parametrize("left", ["", "rubbish", "\u00e9" * 16])
async def test_mark_that_cannot_be_read_is_taken_anew(scene: Scene, left: str) -> None:
    assert (await refill(scene, "status"))[0] == 0
    mark = scene.settings.data_dir / "installation"
    pinned = mark.read_text()
    mark.write_text(left)
    assert (await refill(scene, "status"))[0] == 0
    assert mark.read_text() == pinned


async def test_new_redis_takes_the_mark_of_the_first_folder_and_all_of_an_installation_follow(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [scene.folder / name for name in ("one", "two")]
    for folder in folders:
        monkeypatch.setenv("REFILL_DATA_DIR", str(folder))
        assert (await refill(scene, "status"))[0] == 0
    marks = {(folder / "installation").read_text() for folder in folders}
    assert len(marks) == 1
    await scene.ledger.scripts.call("DEL", "refill:intake:accounts")
    for folder in reversed(folders):
        monkeypatch.setenv("REFILL_DATA_DIR", str(folder))
        assert (await refill(scene, "status"))[0] == 0
    assert {(folder / "installation").read_text() for folder in folders} == marks


async def test_workers_that_go_by_other_rules_are_told_by_check_and_by_each_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await scene.worker(data_dir="one"), await scene.worker(data_dir="two")
    two.runtime.settings = two.runtime.settings.model_copy(
        update={"crm": {CRM: two.runtime.settings.crm[CRM].model_copy(update={"mode": "review"})}}
    )
    for worker in (one, two):
        await lifecycle.tell(worker.runtime)
    with capture_logs() as told:
        for _ in range(3):
            await lifecycle.compare_rules(one.runtime)
    (warned,) = [line for line in told if line["event"] == "worker.rules_differ"]
    assert warned["hint"].startswith(f"crm.{CRM} differs from")
    _, out = await refill(scene, "check", "--json")
    (differs,) = [line for line in json.loads(out)["checks"] if line["part"] == "installation"]
    assert differs["level"] == "warning"
    assert differs["told"] == f"crm.{CRM} differs from the configuration of running workers ({two.runtime.owner})"
    monkeypatch.setenv(f"REFILL_CRM__{CRM.upper()}__TOKEN", "pat-another")  # a key is no rule
    await scene.ledger.timetable.leave(two.runtime.owner)
    _, out = await refill(scene, "check", "--json")
    assert not [line for line in json.loads(out)["checks"] if line["part"] == "installation"]


async def test_another_account_of_a_provider_is_refused_since_bills_would_be_compared_with_it(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await refill(scene, "status"))[0] == 0
    configure(scene, providers__forager__account_id=43)
    told = await refused(scene, capsys)
    assert "providers.forager is account 43 here, and account 42 in this Redis" in told
    await scene.ledger.scripts.call("HDEL", "refill:intake:accounts", "provider:forager")
    assert (await refill(scene, "status"))[0] == 0


async def test_more_processes_of_one_installation_are_welcome_wherever_and_however_they_run(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three hosts, each with a folder of its own; and what changes in a life: keys, budgets, fields, addresses."""
    monkeypatch.setenv("REFILL_INSTALLATION", "production")
    configure(scene, portal_id=scene.vendors["hubspot"].settings.portal_id)
    for host in ("one", "two", "three"):
        assert (await refill(scene, "status"))[0] == 0
        await scene.worker(data_dir=host)
        shutil.rmtree(scene.folder / host, ignore_errors=True)  # the container is replaced
    for name, value in {
        "CRM__ACME_HUBSPOT__TOKEN": "pat-another",
        "PROVIDERS__FORAGER__API_KEY": "another",
        "PROVIDERS__FORAGER__BUDGET__DAY": "7",
        "CRM__ACME_HUBSPOT__MODE": "review",
        "CRM__ACME_HUBSPOT__BASE_URL": "https://proxy.acme.com",
        "WEB__PUBLIC_URL": "https://refill.acme.com",
        "DATA_DIR": str(scene.folder / "four"),
    }.items():
        monkeypatch.setenv(f"REFILL_{name}", value)
        assert (await refill(scene, "status"))[0] == 0, name


async def test_of_two_that_start_at_once_one_is_refused(scene: Scene) -> None:
    accounts = Accounts(scene.ledger.scripts)
    claims = ({CRM: "111", f"installation:{CRM}": ""}, {CRM: "222", f"installation:{CRM}": "staging"})
    told = await asyncio.gather(*(accounts.pin(claims[n % 2]) for n in range(20)))
    lost = [bool(one) for one in told]
    assert sorted((all(lost[0::2]), all(lost[1::2]))) == [False, True]
    assert sorted((any(lost[0::2]), any(lost[1::2]))) == [False, True]


async def test_full_redis_pins_nothing_and_refuses_nobody(scene: Scene) -> None:
    await scene.ledger.scripts.call("CONFIG", "SET", "maxmemory", "1")
    assert await Accounts(scene.ledger.scripts).pin({CRM: "111"}) == {}
    await scene.ledger.scripts.call("CONFIG", "SET", "maxmemory", "0")
    assert await held(scene) == {}
