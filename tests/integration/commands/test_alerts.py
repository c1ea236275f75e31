"""Alerts reach people once, say their cause and their end, and nothing that mends itself is one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis
from standardwebhooks.webhooks import Webhook

from config.load import load
from config.settings import Settings
from connectors.alerts.channels import channels
from tests.harness.canaries import CANARIES
from tests.harness.certificates import Authority
from tests.harness.installation import Refill
from tests.harness.receivers import Receiver, http_receiver, mail_receiver
from tests.harness.until import until
from worker.ledger.ledger import Ledger
from worker.reports.alerting import alerting, turn

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TO = "ops@example.com"


@pytest.fixture
async def posts() -> AsyncIterator[Receiver]:
    async with http_receiver() as found:
        yield found


@pytest.fixture
async def mails() -> AsyncIterator[Receiver]:
    async with mail_receiver() as found:
        yield found


def alerted(refill: Refill, posts: Receiver, mails: Receiver, after: str = "1s") -> Settings:
    """An installation whose alerts go four ways."""
    refill.text += f'\n[alerts]\nafter = "{after}"\nmail_to = ["{TO}"]\nsmtp = "127.0.0.1:{mails.port}"\n'
    refill.text += 'smtp_security = "none"\n'
    refill.set(
        REFILL_ALERTS__SLACK_URL=f"{posts.url}/slack/T0/B0/key",
        REFILL_ALERTS__TEAMS_URL=f"{posts.url}/teams?api-version=1&sig=key",
        REFILL_ALERTS__WEBHOOK_URL=f"{posts.url}/hook",
        REFILL_ALERTS__WEBHOOK_SECRET=SECRET,
    )
    return load(refill.config, {})


async def beat(ledger: Ledger) -> None:
    await ledger.timetable.beat("here", {})


async def test_a_test_message_goes_every_way(refill: Refill, posts: Receiver, mails: Receiver) -> None:
    alerted(refill, posts, mails)
    ran = await refill("alerts", "test")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "slack: sent to 127.0.0.1"
    assert "key" not in ran.out

    assert json.loads(posts.texts("/slack/T0/B0/key")[0])["text"].startswith("[Refill] test: ")
    [teams] = [one for one in posts.posts if one.target == "/teams?api-version=1&sig=key"]
    assert "arrive here" in teams.json["attachments"][0]["content"]["body"][0]["text"]
    [hook] = [one for one in posts.posts if one.target == "/hook"]
    assert Webhook(SECRET).verify(hook.body.decode(), hook.headers)["type"] == "alert.test"
    [mail] = mails.mails
    assert (mail["To"], mail["From"], mail["Subject"]) == (TO, TO, "[Refill] test")
    assert "arrive here" in mail.get_content()


async def test_a_way_that_fails_is_named_with_what_to_do(refill: Refill, posts: Receiver, mails: Receiver) -> None:
    alerted(refill, posts, mails)
    posts.status, mails.refused = 404, {TO}
    ran = await refill("alerts", "test")
    assert ran.code == 1
    assert "slack: not sent to 127.0.0.1" in ran.err
    assert "check alerts.mail_from and alerts.mail_to" in ran.err
    assert "key" not in ran.err


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_goes_over_tls_with_a_sign_in_and_to_nobody_who_is_not_trusted(
    refill: Refill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    authority = Authority.founded(tmp_path / "ca")
    async with mail_receiver(security, authority.context_for("localhost"), ("ops", "right")) as mails:
        refill.text += f'\n[alerts]\nmail_to = ["{TO}"]\nsmtp = "localhost:{mails.port}"\nsmtp_user = "ops"\n'
        refill.text += f'smtp_security = "{security}"\n'
        refill.set(REFILL_ALERTS__SMTP_PASSWORD="right")
        ran = await refill("alerts", "test")  # signed by nobody this machine knows
        assert (ran.code, "check alerts.smtp and alerts.smtp_security" in ran.err) == (1, True)

        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        ran = await refill("alerts", "test")
        assert (ran.code, ran.err) == (0, "")
        (mail,) = mails.mails
        assert (mail["To"], mail["Subject"]) == (TO, "[Refill] test")

        refill.set(REFILL_ALERTS__SMTP_PASSWORD="wrong-canary")
        ran = await refill("alerts", "test")
        assert (ran.code, "check alerts.smtp_user and REFILL_ALERTS__SMTP_PASSWORD" in ran.err) == (1, True)
        assert "wrong-canary" not in ran.err
        assert len(mails.mails) == 1


async def test_check_says_where_alerts_go(refill: Refill, posts: Receiver, mails: Receiver) -> None:
    none = await refill("check", "--json")
    assert [one["told"] for one in none.json["checks"] if one["part"] == "alerts"] == ["go nowhere"]
    alerted(refill, posts, mails)
    ran = await refill("check", "--json")
    assert [one["told"] for one in ran.json["checks"] if one["part"] == "alerts"] == [
        "go to slack (127.0.0.1) after 1s",
        "go to teams (127.0.0.1) after 1s",
        "go to webhook (127.0.0.1) after 1s",
        f"go to mail ({TO} over 127.0.0.1:{mails.port}) after 1s",
    ]
    assert posts.posts == []


async def test_no_way_to_test_is_wrong_use(refill: Refill) -> None:
    ran = await refill("alerts", "test")
    assert ran.code == 2
    assert "REFILL_ALERTS__SLACK_URL" in ran.err


async def test_what_stands_is_sent_once_over_all_processes_and_its_end_is_told(
    refill: Refill, posts: Receiver, mails: Receiver, redis: Redis
) -> None:
    settings, ledger = alerted(refill, posts, mails), Ledger.over(redis)
    await beat(ledger)
    why = "acme_hubspot refuses our credential for somebody@example.org: check REFILL_CRM__ACME_HUBSPOT__TOKEN"
    await ledger.pauses.pause("acme_hubspot", "credentials", why=why)
    hook = "/hook"
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(alerting(ledger, settings, turn_s=0.1))
        await until(lambda: posts.texts(hook) and mails.mails, "an alert")
        await ledger.pauses.pause("kaspr", "rate", until_ms=2**45)
        await until(lambda: _looks(ledger, 2), "two looks more")
        assert len(posts.texts(hook)) == len(mails.mails) == len(posts.texts("/slack/T0/B0/key")) == 1
        await ledger.pauses.lift("acme_hubspot", "credentials")
        await until(lambda: len(posts.texts(hook)) == 2 and len(mails.mails) == 2, "the end of it")

    opened, closed = (json.loads(one) for one in posts.texts(hook))
    assert (opened["type"], closed["type"]) == ("alert.opened", "alert.closed")
    assert opened["data"]["key"] == closed["data"]["key"] == "pause:acme_hubspot:credentials"
    assert opened["data"]["cause"] == "configuration"
    assert "Next: refill check" in opened["data"]["sentence"]
    assert "This is over, after" in closed["data"]["sentence"]
    assert mails.mails[0]["Subject"] == "[Refill] configuration"
    for one in posts.posts:
        assert b"somebody" not in one.body
        CANARIES.look("an alert", one.body.decode())


async def test_an_alert_that_takes_long_to_send_is_sent_by_one_process(
    refill: Refill, posts: Receiver, mails: Receiver, redis: Redis
) -> None:
    settings, ledger = alerted(refill, posts, mails), Ledger.over(redis)
    await beat(ledger)
    await ledger.pauses.pause("acme_hubspot", "credentials", why="it refuses our credential")
    posts.answers.clear()
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(alerting(ledger, settings, turn_s=0.1))
        await until(lambda: posts.texts("/hook"), "an alert that waits for its answer")
        await until(lambda: _turn_lasts(ledger, 2_000), "a turn that outlasts the time between two", 20)
        posts.answers.set()
        await until(lambda: _looks(ledger, 2), "two looks more")
    assert len(posts.texts("/hook")) == len(mails.mails) == 1


async def _turn_lasts(ledger: Ledger, ms: int) -> bool:
    last = (await ledger.timetable.last())["alerts:all"]
    return last.done_ms < last.begun_ms <= await ledger.scripts.now() - ms


async def _looks(ledger: Ledger, more: int) -> bool:
    """Whether so many turns have begun and ended since the first call of one test."""
    seen: set[int] = set()
    while len(seen) <= more:
        seen.add((await ledger.timetable.last())["alerts:all"].done_ms)
        await asyncio.sleep(0.05)
    return True


async def test_a_way_that_failed_is_tried_again_and_the_others_are_left_alone(
    refill: Refill, posts: Receiver, mails: Receiver, redis: Redis
) -> None:
    settings, ledger = alerted(refill, posts, mails), Ledger.over(redis)
    ways = channels(settings.alerts)
    posts.status = 500
    await turn(ledger, settings, ways)  # no worker is alive: it stands from now on
    await until(lambda: _older(ledger, 1_000), "a second")
    await turn(ledger, settings, ways)
    posts.status = 200
    await turn(ledger, settings, ways)
    await turn(ledger, settings, ways)
    assert [len(mails.mails), *(len(posts.texts(one)) for one in ("/hook", "/teams"))] == [1, 2, 2]
    for way in ways:
        await way.aclose()


async def _older(ledger: Ledger, ms: int) -> bool:
    kept = await ledger.scripts.call("HGET", ledger.scripts.keys("alerts"), "workers")
    return bool(await ledger.scripts.now() - json.loads(kept)["since_ms"] >= ms)


async def test_what_mends_itself_or_is_by_hand_alerts_nobody(
    refill: Refill, posts: Receiver, mails: Receiver, redis: Redis
) -> None:
    settings, ledger = alerted(refill, posts, mails), Ledger.over(redis)
    await beat(ledger)
    await ledger.pauses.pause("kaspr", "operator", why="by hand")
    await ledger.pauses.pause("forager:main", "429", until_ms=2**45)
    await ledger.pauses.pause("acme_hubspot", "outage", until_ms=int(datetime.now(UTC).timestamp() * 1000) + 60_000)
    ways = channels(settings.alerts)
    await turn(ledger, settings, ways)
    await asyncio.sleep(1.1)  # past alerts.after: only an outage is kept, for its hour
    await turn(ledger, settings, ways)
    assert (posts.posts, mails.mails) == ([], [])
    listed = await ledger.scripts.call("HKEYS", ledger.scripts.keys("alerts"))
    assert [one.decode() for one in listed] == ["pause:acme_hubspot:outage"]
    for way in ways:
        await way.aclose()
