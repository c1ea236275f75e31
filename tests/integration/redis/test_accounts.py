"""A crm's name on a Redis stands for the portal or org that it was first used for, whoever else comes with the name."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.integration.redis.test_restored import refill
from tests.integration.scene import CRM, Scene
from worker.ledger.intake.accounts import Accounts
from worker.service.accounts import AnotherAccountError, refuse_another


def configure(scene: Scene, portal: int) -> None:
    """Write which portal the installation's crm is."""
    path = scene.folder / "refill.toml"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("portal_id")]
    at = lines.index(f"[crm.{CRM}]")
    path.write_text("\n".join([*lines[: at + 1], f"portal_id = {portal}", *lines[at + 1 :]]), encoding="utf-8")


async def test_another_portal_under_the_same_name_is_refused_and_both_are_named(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(scene, 111)
    assert (await refill(scene, "status"))[0] == 0
    assert (await refill(scene, "status"))[0] == 0
    capsys.readouterr()
    configure(scene, 222)
    for command in ("status", "web", "worker", "up"):
        assert (await refill(scene, command))[0] == 2, command
        told = " ".join(capsys.readouterr().err.split())
        assert f"crm.{CRM} is portal 222 here, and portal 111 in this Redis" in told
        assert "another name or a Redis of its own" in told
    await scene.ledger.scripts.call("HDEL", "refill:intake:accounts", CRM)  # the way out of docs/redis.md
    assert (await refill(scene, "status"))[0] == 0


async def test_login_that_leads_to_another_org_is_refused(scene: Scene) -> None:
    accounts, crm = Accounts(scene.ledger.scripts), scene.settings.crm[CRM]
    for _ in range(2):
        await refuse_another(accounts, CRM, crm, "00D000000000001AAA")
    await refuse_another(accounts, CRM, crm, "")  # nothing is known of it
    with pytest.raises(AnotherAccountError, match="00D000000000002AAA here, and portal 00D000000000001AAA in"):
        await refuse_another(accounts, CRM, crm, "00D000000000002AAA")


async def test_crm_of_another_installation_is_not_opened_and_not_paused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause would keep the one out whose name it is."""
    runtime = (await scene.worker()).runtime
    await scene.ledger.scripts.call("HSET", "refill:intake:accounts", CRM, "111")
    monkeypatch.setattr(type(runtime.crms[CRM]), "account_id", "222")
    runtime.shut.add(CRM)
    with capture_logs() as told:
        await runtime.open_crms()
    assert [one["event"] for one in told if one["log_level"] == "error"] == ["crm.refused"]
    assert runtime.shut == {CRM}
    assert await runtime.ledger.pauses.all() == []
