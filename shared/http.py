"""HTTP around every service: problem documents, conflicts tried again, one size limit."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
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

MAX_BODY = 1024 * 1024
"""Bytes of a request's body, unless a route says otherwise."""

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


async def _on_problem(_: Request, problem: Problem) -> JSONResponse:
    return response(problem)


async def _on_validation(_: Request, exc: RequestValidationError) -> JSONResponse:
    return response(InvalidInput(invalid=explain(exc.errors())))


async def _on_http_exception(_: Request, exc: HTTPException) -> JSONResponse:
    known = BY_STATUS.get(exc.status_code)
    if known:
        return response(known(headers=exc.headers))
    body = {
        "type": "about:blank",
        "title": HTTPStatus(exc.status_code).phrase,
        "status": exc.status_code,
    }
    return JSONResponse(body, exc.status_code, media_type="application/problem+json")


async def _on_outage(_: Request, exc: Exception) -> JSONResponse:
    log.warning("database unreachable", error=type(exc).__name__)
    return response(Busy(headers={"Retry-After": "5"}))


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
            await response(Problem())(scope, receive, send)


class RetryConflicts:
    """ASGI: runs a request again when its transaction met another one, and lost.

    A route's transaction ends before its answer starts, so nothing was written nor sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, at most `TRIES` times."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received: list[Message] = []
        for attempt in range(TRIES):
            replay = iter(list(received))

            async def again(replay: Iterator[Message] = replay) -> Message:
                for message in replay:
                    return message
                message = await receive()
                # a stream longer than a transaction's body commits by itself, in parts
                if sum(len(part.get("body", b"")) for part in received) <= MAX_BODY:
                    received.append(message)
                return message

            attempted = dict(scope)
            try:
                await self.app(attempted, again, send)
                return
            except Exception as exc:
                if not is_conflict(exc):
                    raise
                log.info("conflict, trying again", attempt=attempt + 1)
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))
            finally:
                scope["route"] = attempted.get("route")
        await response(Busy(headers={"Retry-After": "1"}))(scope, receive, send)


class TooLargeAsProblem:
    """ASGI: the framework answers an oversized body in plain text; say it as everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        replaced = False

        async def answer(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == TooLarge.status:
                replaced = True
                await response(TooLarge())(scope, receive, send)
            elif not replaced:
                await send(message)

        await self.app(scope, receive, answer)


def install(app: FastAPI) -> None:
    """Give an app its problem documents and its handling of conflicts."""
    handlers: list[tuple[type[Exception], Callable[[Request, Any], Awaitable[JSONResponse]]]] = [
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
    app.add_middleware(Unexpected)
    app.add_middleware(TooLargeAsProblem)
    app.add_middleware(RequestContext)
