"""Sends the steps of visits as OpenTelemetry traces, if the standard variables name a receiver.

Nothing of OpenTelemetry is imported otherwise; it comes with the extra ``otel``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

import structlog

from connectors import telemetry

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"
LAST_S = 3.0  # of the grace: spans that are unsent by then are lost
log = structlog.get_logger(__name__)


def wanted(environ: Mapping[str, str]) -> bool:
    """Tells whether the standard variables ask for traces, in the one protocol that is spoken."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return False
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), SPOKEN)
    if protocol != SPOKEN:
        log.warning("traces.off", hint=f"OTEL_EXPORTER_OTLP_PROTOCOL is not {SPOKEN}, the one that is spoken")
    return protocol == SPOKEN


@asynccontextmanager
async def tracing() -> AsyncIterator[None]:
    """Keeps steps while the block runs, and sends the last of them as it ends; once in a process."""
    if telemetry.is_traced() or not wanted(os.environ):
        yield
        return
    try:
        from worker.service.otel import OtelTracer
    except ImportError:
        log.warning("traces.off", hint="a receiver of traces is named and requirements-otel.lock is not installed")
        yield
        return
    tracer = OtelTracer(version("refill"))
    telemetry.begin(tracer)
    try:
        yield
    finally:
        telemetry.end()
        await asyncio.to_thread(tracer.close, LAST_S)
