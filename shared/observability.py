"""Logs (structlog), one correlation id from the HTTP request to the mail, and trace context.

OpenTelemetry hooks: `traceparent` is read from requests and messages and passed on in events.
With only the API installed nothing is exported; install an SDK and its exporter to see spans.
"""

import logging
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from random import getrandbits

import structlog
from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_tracer = trace.get_tracer("mednum")
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACE = "traceparent"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET = {
    "aiokafka": logging.CRITICAL,
    "faststream": logging.CRITICAL,
    "uvicorn": logging.WARNING,
    # they log whole addresses, and a subscriber's may hold a secret
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
}


def configure_logging(service: str, *, json: bool, level: str) -> None:
    """Send every log line, ours and the libraries', to stdout in one format."""
    chain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[*chain, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        # not by way of the standard library's logging: a line for each request would cost double
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processor=renderer)
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)
    structlog.contextvars.bind_contextvars(service=service)


@contextmanager
def correlated(given: str | None, headers: Mapping[str, str]) -> Iterator[str]:
    """Run a block under a correlation id (a new one if none is well formed) and its trace."""
    # names a request in logs, and nothing else: no need for the system's randomness
    value = given if given and _WELL_FORMED.fullmatch(given) else f"{getrandbits(128):032x}"
    token = correlation_id.set(value)
    # most requests are of no trace, and looking for one costs as much as logging
    trace_token = context.attach(_PROPAGATOR.extract(headers)) if _TRACE in headers else None
    bound = structlog.contextvars.bind_contextvars(correlation_id=value)
    try:
        yield value
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        if trace_token:
            context.detach(trace_token)
        correlation_id.reset(token)


def trace_of(exc: BaseException) -> str:
    """An exception's stack without its text, which may hold an address or a token."""
    return "".join(traceback.format_tb(exc.__traceback__))


@contextmanager
def span(name: str) -> Iterator[None]:
    """A span around a block; costs nothing without an SDK."""
    with _tracer.start_as_current_span(name):
        yield


def trace_headers() -> dict[str, str]:
    """The W3C headers of the current trace, empty outside of one."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    # `tracestate` and baggage hold what clients like; events are kept for ever
    return {name: value for name, value in headers.items() if name == "traceparent"}


class RequestContext:
    """ASGI: correlates each request and logs it by its route, never by its raw path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        started = time.perf_counter()
        status = 500

        with correlated(headers.get("x-correlation-id"), headers) as value:

            async def answer(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    message["headers"] = [
                        *message.get("headers", []),
                        (b"x-correlation-id", value.encode()),
                    ]
                await send(message)

            try:
                await self.app(scope, receive, answer)
            finally:
                # the route's template: a raw path may hold a signed link
                route = getattr(scope.get("route"), "path", "?")
                if not route.startswith(("/health", "/metrics")):
                    log.info(
                        "request",
                        method=scope["method"],
                        route=route,
                        status=status,
                        ms=round((time.perf_counter() - started) * 1000, 1),
                    )
