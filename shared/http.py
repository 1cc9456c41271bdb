"""HTTP around every service: problem documents, conflicts tried again, one size limit."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.database import OUTAGES, TRIES, is_conflict
from shared.errors import (
    BadRequest,
    Busy,
    InvalidInput,
    MethodNotAllowed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Problem,
    TooLarge,
    document,
    explain,
)
from shared.observability import RequestContext, trace_of
from shared.strict_json import read_json, too_deep

MAX_BODY = 1024 * 1024
"""Bytes of a request's body, unless a route says otherwise."""

_JSON = re.compile(r"application/(.+\+)?json", re.IGNORECASE)

log = structlog.get_logger()

BY_STATUS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (
        BadRequest, NotAuthenticated, NotAllowed, NotFound, MethodNotAllowed, TooLarge, Busy,
    )
}  # fmt: skip


def response(problem: Problem) -> JSONResponse:
    """The HTTP answer for a problem."""
    return JSONResponse(
        document(problem),
        problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def refusal(request: Request, problem: Problem) -> Response:
    """A problem as this route says it: pages for people have a method `refusal` of their own.

    It takes the request and the problem, and gives a page, or None for who reads problem documents.
    """
    own = getattr(request.scope.get("route"), "refusal", None)
    page: Response | None = own(request, problem) if own else None
    return page or response(problem)


async def _on_problem(request: Request, problem: Problem) -> Response:
    return refusal(request, problem)


async def _on_validation(request: Request, exc: RequestValidationError) -> Response:
    return refusal(request, InvalidInput(invalid=explain(exc.errors())))


async def _on_http_exception(request: Request, exc: HTTPException) -> Response:
    if isinstance(exc.__cause__, RecursionError):
        return refusal(request, too_deep())
    if exc.status_code < HTTPStatus.BAD_REQUEST:
        # the way elsewhere, and no refusal
        return Response(status_code=exc.status_code, headers=exc.headers)
    known = BY_STATUS.get(exc.status_code)
    if known:
        return refusal(request, known(headers=exc.headers))
    body = {
        "type": "about:blank",
        "title": HTTPStatus(exc.status_code).phrase,
        "status": exc.status_code,
    }
    return JSONResponse(body, exc.status_code, media_type="application/problem+json")


async def _on_outage(request: Request, exc: Exception) -> Response:
    log.warning("database unreachable", error=type(exc).__name__)
    return refusal(request, Busy(headers={"Retry-After": "5"}))


async def strictly(request: Request) -> None:
    """A dependency of all routes: refuses JSON that two readers could understand differently.

    The framework has read the body by then, where the route declares one, and not strictly.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    declared = getattr(request.scope["route"], "body_field", None)
    if declared and _JSON.fullmatch(media) and (body := await request.body()):
        read_json(body)


class Unexpected:
    """ASGI: any other failure is logged with its trace, and answered without it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception as exc:
            log.error("unexpected error", error=type(exc).__name__, trace=trace_of(exc))
            if started or scope["type"] != "http":
                raise
            await refusal(Request(scope), Problem())(scope, receive, send)


class Replayable:
    """A request's body as it is read, to be read again while it is no larger than `MAX_BODY`."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept = bytearray()
        self._whole = False
        self._replayed = True

    @property
    def can_start_again(self) -> bool:
        """Whether everything read so far is still there."""
        return len(self._kept) <= MAX_BODY

    def start_again(self) -> None:
        """Give what was read once more, then the rest."""
        self._replayed = False

    async def receive(self) -> Message:
        """The next message, from memory or from the client."""
        if not self._replayed:
            self._replayed = True
            body = bytes(self._kept)
            return {"type": "http.request", "body": body, "more_body": not self._whole}
        message = await self._receive()
        if message["type"] == "http.request":
            if self.can_start_again:
                self._kept += message.get("body", b"")
            self._whole = not message.get("more_body", False)
        return message


class RetryConflicts:
    """ASGI: runs a request again when its transaction met another one, and lost.

    A route's transaction ends before its answer starts, so nothing was written nor sent. A
    longer body (an import) commits in parts and is not kept: its client sends it again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, at most `TRIES` times."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = Replayable(receive)
        for attempt in range(TRIES):
            attempted = dict(scope)
            try:
                await self.app(attempted, body.receive, send)
                return
            except Exception as exc:
                if not is_conflict(exc):
                    raise
                log.info("conflict", attempt=attempt + 1)
                if not body.can_start_again:
                    break
                body.start_again()
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))
            finally:
                scope["route"] = attempted.get("route")
        busy = Busy(headers={"Retry-After": "1"})
        await refusal(Request(attempted), busy)(scope, receive, send)


def _says_too_large(start: Message) -> bool:
    """Whether an answer refuses a body for its size, and is no problem document of ours."""
    ours = (b"content-type", b"application/problem+json") in start.get("headers", [])
    return bool(start["status"] == TooLarge.status and not ours)


Reader = Callable[[Request], Awaitable[Response]]
"""What answers a request that has no body: it reads the address by itself."""


class Shortcuts:
    """ASGI: reads asked so often that finding their routes would cost as much as the answer."""

    def __init__(self, app: ASGIApp, readers: Mapping[str, Reader]) -> None:
        self.app = app
        self._readers = {path: (Named(path), reader) for path, reader in readers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        known = self._readers.get(scope.get("path", ""))
        if not known or scope.get("method") != "GET":
            await self.app(scope, receive, send)
            return
        scope["route"], reader = known
        try:
            answer = await reader(Request(scope))
        except Problem as problem:
            answer = response(problem)
        await answer(scope, receive, send)


@dataclass(frozen=True)
class Named:
    """As much of a route as logs want."""

    path: str


class TooLargeAsProblem:
    """ASGI: the framework answers an oversized body in plain text; say it as everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        replaced = False

        async def answer(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _says_too_large(message):
                replaced = True
                await response(TooLarge())(scope, receive, send)
            elif not replaced:
                await send(message)

        await self.app(scope, receive, answer)


def install(app: FastAPI, shortcuts: Mapping[str, Reader]) -> None:
    """Give an app its problem documents and its handling of conflicts.

    `shortcuts`: by path, what answers a GET without looking for its route.
    """
    handlers: list[tuple[type[Exception], Callable[[Request, Any], Awaitable[Response]]]] = [
        (Problem, _on_problem),
        (RequestValidationError, _on_validation),
        (HTTPException, _on_http_exception),
        *((outage, _on_outage) for outage in OUTAGES),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)
    app.add_middleware(RetryConflicts)
    # not the application's own limit: that one sits outside of all middleware
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY)
    app.add_middleware(Shortcuts, readers=shortcuts)
    app.add_middleware(Unexpected)
    app.add_middleware(TooLargeAsProblem)
    app.add_middleware(RequestContext)
