"""Receives traces by OTLP over HTTP: linked from the webhook to the push, and nobody's data."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.harness.canaries import ANY, CANARIES
from tests.harness.installation import Refill
from tests.harness.receivers import Receiver, http_receiver
from tests.harness.until import until

PUBLIC = "https://refill.example"
TRACES = "/v1/traces"
TOKEN = "receiver-token-canary"


def spans(receiver: Receiver) -> list[Span]:
    """Every span that came, of all posts."""
    requests = [ExportTraceServiceRequest.FromString(post.body) for post in receiver.posts if post.target == TRACES]
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def values(span: Span) -> dict[str, Any]:
    """A span's attributes."""
    return {
        one.key.removeprefix("refill."): getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes
    }


def texts(receiver: Receiver) -> Iterator[str]:
    """Every text in every post."""
    for post in receiver.posts:
        yield str(ExportTraceServiceRequest.FromString(post.body))


async def test_a_record_is_traced_from_its_webhook_to_its_push_without_a_word_of_anybody(
    fresh: Refill, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = fresh.vendors["hubspot"]
    secret = portal.info["client_secret"]
    fresh.set(REFILL_WEB__PUBLIC_URL=PUBLIC, REFILL_CRM__ACME_HUBSPOT__WEBHOOK_SECRET=secret)
    CANARIES.add("secret", "the receiver's token", TOKEN)
    async with http_receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{TOKEN}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with fresh.daemon("up") as up:
            url = await up.url()
            path = "/webhooks/hubspot/acme_hubspot"
            portal.control("webhooks", {"url": f"{url}{path}", "signed_url": f"{PUBLIC}{path}"})

            def filled() -> dict[bytes, Span]:
                """Visits, by their traces, in which something was looked up and written."""
                found = spans(receiver)
                lookups, pushes = ({one.trace_id for one in found if one.name == name} for name in ("lookup", "push"))
                return {one.trace_id: one for one in found if one.name == "visit" and one.trace_id in lookups & pushes}

            def contacts() -> list[Any]:
                ours = (one for one in map(values, filled().values()) if one["crm"] == "acme_hubspot")
                return [one["record_id"] for one in ours if one["object"] == "contact"]

            await until(contacts, "a visit of a contact that looked up and pushed, due by a poll")
            contact = contacts()[0]
            portal.control("edit", {"object": "contacts", "id": contact, "properties": {"jobtitle": ""}})

            def linked() -> list[Span]:
                hooks = {(one.trace_id, one.span_id) for one in spans(receiver) if one.name == "webhook"}
                visits = [one for one in spans(receiver) if one.name == "visit"]
                return [one for one in visits if any((link.trace_id, link.span_id) in hooks for link in one.links)]

            await until(linked, "a visit that is linked to its webhook")
            await up.drained()
        assert contact in {values(one)["record_id"] for one in linked()}
        found = spans(receiver)
        polls = {(one.trace_id, one.span_id) for one in found if one.name == "poll"}
        for trace_id, visit in filled().items():
            steps = [one for one in found if one.trace_id == trace_id and one is not visit]
            assert {one.parent_span_id for one in steps if one.span_id != visit.span_id} == {visit.span_id}
            assert {"read", "lookup", "push", "settle"} <= {one.name for one in steps}
        assert any((link.trace_id, link.span_id) in polls for one in filled().values() for link in one.links)
        credits = sum(values(one).get("credits", 0) for one in found if one.name == "lookup")
        assert credits == sum(
            int(one["credits"]) for name in ("kaspr", "forager") for one in fresh.vendors[name].charges()
        )
        assert {values(one)["vendor"] for one in found if one.name == "lookup"} == {"kaspr", "forager"}
        assert all(post.headers["authorization"] == f"Bearer {TOKEN}" for post in receiver.posts)
        for text in texts(receiver):
            CANARIES.look("a trace", text, ANY)


async def test_a_receiver_that_refuses_keeps_nobody_from_working(
    fresh: Refill, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_receiver() as receiver:
        receiver.status = 403
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}{TRACES}")
        ran = await fresh.alone("sync", "--json", "--max-credits", "30", "--patience", "1")
        assert ran.code in {0, 4}, ran.err
        assert ran.json["filled"]
        assert receiver.posts
        assert ran.err.count("traces.unsent") == 1  # however many batches are not taken
    away = await fresh.alone("sync", "--json", "--max-credits", "30", "--patience", "1")
    assert away.code in {0, 4}, away.err


@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "is not http"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "WITHOUT": "1"},
            "requirements-otel.lock is not installed",
        ),
    ],
)
async def test_nothing_is_imported_where_no_traces_are_asked_for(variables: dict[str, str], hint: str) -> None:
    code = """
import asyncio, os, sys
if os.environ.get("WITHOUT"):
    sys.modules["opentelemetry"] = None
from connectors import telemetry
from worker.service.tracing import tracing

async def main():
    async with tracing():
        assert not telemetry.is_traced()
        with telemetry.step("visit", crm="acme") as step:
            step.note(ending="done")
            telemetry.note(filled=1)

asyncio.run(main())
print(*(name for name in sys.modules if name.startswith("opentelemetry") and sys.modules[name]))
"""
    environ = {"PATH": "/usr/bin:/bin", **variables}
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout + ran.stderr
    assert "opentelemetry" not in ran.stdout.splitlines()[-1]
    assert hint in said if hint else "traces.off" not in said
