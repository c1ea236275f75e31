"""Renders our events and every library's in one way: JSON lines, or a console on a terminal, on stderr.

Deny by default: a key that is not in ``KNOWN`` loses its value unless that is a small number, and whatever looks like
an address, a number to call or a credential is masked in every text, tracebacks included. The rest of a text steers
no terminal and forges no line.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from config.masking import HIDDEN, masked, traceback_text
from config.plain import shown

# Keys whose texts are ids of ours or of a vendor: bare digits in them are not phone numbers.
IDS = frozenset({
    "account", "company_id", "creation", "crm", "delivery_id", "external_id", "field", "fields", "id", "job",
    "made_id", "moved_to", "new_id", "object", "old_id", "operation", "order_id", "owner", "portal_id", "property",
    "provider", "question", "record_id", "record_ids", "request_id", "run", "source", "survivor", "ticket",
    "token_id", "vendor",
})  # fmt: skip
# Words from closed lists, class names and figures.
WORDS = frozenset({
    "attempt", "bucket", "cause", "code", "door", "ending", "endpoint", "error", "event", "fate", "hint", "host",
    "kind", "lane", "level", "line", "lines", "logger", "made_object", "mode", "outcome", "policy", "properties",
    "providers", "reason", "reasons", "redis_version", "server", "signal", "state", "status", "statuses", "step",
    "until", "verdict", "version", "warning", "web", "worker",
})  # fmt: skip
KNOWN = IDS | WORDS | {"timestamp", "exception"}
_SMALL = 10_000_000  # larger unknown figures could be phone numbers
_UNITS = ("_ms", "_s", "_bytes", "_at")

# Their INFO names URLs, paths or the arguments of a job.
_QUIET = ("aiohttp", "arq", "asyncio", "httpcore", "httpx", "requests", "simple_salesforce", "urllib3", "zeep")
_SILENT = ("aiohttp.access", "uvicorn.access")  # a path may hold a webhook's secret


def configure_logs(
    *, stream: TextIO | None = None, level: int = logging.INFO, console: bool | None = None, for_good: bool = False
) -> None:
    """Route structlog and the standard library to ``stream`` (stderr), as a console if that is a terminal.

    ``for_good`` is for a process that configures once: otherwise each suppressed line costs a logger.
    """
    stream = sys.stderr if stream is None else stream
    console = stream.isatty() if console is None else console
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _render_exception,
        _redact,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(default=_unknown)
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=for_good,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    _route(handler, level)


def _route(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", *_QUIET, *_SILENT):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate, logger.disabled = name not in _SILENT, name in _SILENT
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Returns the event with first lines only: libraries put reprs of our values into those after the first."""
    event["event"] = str(event.get("event", "")).partition("\n")[0]
    return event


def _render_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    raised = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if raised is True:
        raised = sys.exc_info()[1]
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        event["exception"] = traceback_text(raised)
    return event


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return _redacted(event)


def _redacted(event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if not key.startswith("_"):  # structlog's own, removed before anything is rendered
            event[key] = _shown(key, value)
    return event


def _shown(key: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if key in KNOWN or key.endswith(_UNITS) or abs(value) < _SMALL else HIDDEN
    if key not in KNOWN:
        return HIDDEN
    if isinstance(value, str):
        return shown(masked(value, digits=key not in IDS), lines=key == "exception")
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_shown(key, one) for one in value]
    if isinstance(value, Mapping):
        return {shown(str(name)): _shown(key, one) for name, one in value.items() if masked(str(name)) == str(name)}
    return shown(masked(str(value), digits=key not in IDS)) if isinstance(value, BaseException) else HIDDEN


def _unknown(value: object) -> str:
    return f"[{type(value).__name__}]"
