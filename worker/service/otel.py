"""Keeps steps with OpenTelemetry's SDK, which sends them in the background over OTLP/HTTP.

Imported by ``worker.service.tracing`` alone, once traces are asked for. Where they go, under which name, with which
headers and how many of them say the standard ``OTEL_*`` variables, which the SDK reads.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import structlog
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from connectors.telemetry import Step, StepValue

TELL_S = 60.0
log = structlog.get_logger(__name__)
_KINDS = {
    "webhook": SpanKind.SERVER,
    "poll": SpanKind.CLIENT,
    "visit": SpanKind.CONSUMER,
    "read": SpanKind.CLIENT,
    "lookup": SpanKind.CLIENT,
    "push": SpanKind.CLIENT,
}


class OtelStep:
    """Shows a step as a span. An error leaves its class and none of its text."""

    __slots__ = ("_before", "_span")

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def name(self) -> str:
        """Returns the span's name for other processes; ``""`` if the sampler has left it out."""
        its = self._span.get_span_context()
        return f"00-{its.trace_id:032x}-{its.span_id:016x}-01" if its.trace_flags.sampled else ""

    def note(self, **values: StepValue) -> None:
        self._span.set_attributes(_named(values))

    def __enter__(self) -> Self:
        self._before = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        context.detach(self._before)
        if kind is not None:
            self._span.set_status(Status(StatusCode.ERROR, kind.__name__))
        self._span.end()


class TellingExporter(OTLPSpanExporter):
    """Sends spans, and logs now and then that a receiver does not take them: the SDK would, with every batch."""

    _tells_s = 0.0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch; one that is not taken within the SDK's own tries is lost."""
        result = super().export(spans)
        now = time.monotonic()
        if result is not SpanExportResult.SUCCESS and now >= self._tells_s:
            self._tells_s = now + TELL_S
            log.warning("traces.unsent", hint="the receiver that OTEL_EXPORTER_OTLP_ENDPOINT names does not take them")
        return result


class OtelTracer:
    """Keeps steps as spans and sends them now and then, from a thread of the SDK's."""

    def __init__(self, version: str) -> None:
        own = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "refill"), "service.version": version}
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # TellingExporter tells
        self._provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(TellingExporter()))
        self._tracer = self._provider.get_tracer("refill", version)

    def step(self, kind: str, links: Sequence[str], values: Mapping[str, StepValue]) -> AbstractContextManager[Step]:
        """Returns a span that begins now, to be the current one while its block runs."""
        linked = [Link(found) for name in links if (found := _context(name))]
        return OtelStep(
            self._tracer.start_span(
                kind, kind=_KINDS.get(kind, SpanKind.INTERNAL), links=linked, attributes=_named(values)
            )
        )

    def note(self, values: Mapping[str, StepValue]) -> None:
        trace.get_current_span().set_attributes(_named(values))

    def close(self, within_s: float) -> None:
        """Sends the remaining spans, for at most that long."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces-closing", daemon=True)
        closing.start()  # it sends the rest, and retries an unreachable receiver for too long
        closing.join(within_s)


def _named(values: Mapping[str, StepValue]) -> dict[str, StepValue]:
    return {f"refill.{name}": value for name, value in values.items()}


def _context(name: str) -> SpanContext | None:
    """Returns the span of another process that ``traceparent`` names, ``None`` for anything else."""
    parts = name.split("-")
    try:
        trace_id, span_id = int(parts[1], 16), int(parts[2], 16)
    except (IndexError, ValueError):
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
