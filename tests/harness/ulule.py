"""A small server that answers like Ulule's documented API, and fails as it is told."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from shared.database import now

PREFIX = "/v1"
MOST = 20
"""Projects on a page, at most."""

Failure = Callable[[BaseHTTPRequestHandler], None]


def project(number: int, **fields: Any) -> dict[str, Any]:
    """A project that is online, as the API shows it since 2020-11-10."""
    return {
        "absolute_url": f"https://fr.ulule.com/projet-{number}/",
        "amount_raised": 1250,
        "country": "FR",
        "currency": "EUR",
        "date_end": f"{(now() + timedelta(days=30)).date()}T12:00:00Z",
        "description": {"fr": f"<p>Un atelier de <b>réemploi</b> numéro {number}.</p>"},
        "finished": False,
        "goal": 5000,
        "goal_raised": False,
        "id": number,
        "is_cancelled": False,
        "is_online": True,
        "lang": "fr",
        "location": {"city": "Saint-Étienne", "country": "FR"},
        "name": {"fr": f"Ordinateurs pour tous {number}"},
        "nb_products_sold": 0,
        "slug": f"projet-{number}",
        "status": "online",
        "subtitle": {"fr": "Réparer et donner"},
        "supporters_count": 31,
        "type": "project",
        **fields,
    }


def flat(modern: Mapping[str, Any]) -> dict[str, Any]:
    """The same project as the API shows it to those who name no version."""
    old = dict(modern) | {"type": {"presale": 1, "project": 2}[modern["type"]]}
    for name in ("name", "subtitle", "description"):
        texts = old.pop(name)
        # languages that say nothing were not left out yet
        old |= {f"{name}_{language}": texts.get(language, "") for language in ("fr", "en")}
    return old


class Ulule:
    """The API: its projects, what it was asked, and the failures to come."""

    def __init__(self) -> None:
        self.projects: dict[int, dict[str, Any]] = {}
        self.partners: dict[str, list[int]] = {}
        """By slug, projects from the newest to the oldest."""
        self.asked: list[tuple[str, str | None]] = []
        """Paths with their queries, and the version that each request names."""
        self.ignores_versions = False
        self._failures: dict[str, list[Failure]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}{PREFIX}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, *projects: Mapping[str, Any], partner: str | None = None) -> None:
        """Add or replace projects; `partner`: whose list they are put on."""
        for one in projects:
            self.projects[one["id"]] = dict(one)
            if partner:
                listed = self.partners.setdefault(partner, [])
                if one["id"] not in listed:
                    listed.insert(0, one["id"])

    def fail(self, path: str, *failures: Failure) -> None:
        """Have the next requests for a path fail, one after the other."""
        self._failures.setdefault(PREFIX + path, []).extend(failures)

    def succeed(self, path: str) -> None:
        """Have no more requests for a path fail."""
        self._failures.pop(PREFIX + path, None)

    def requests(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(urlsplit(one).path == PREFIX + path for one, _ in self.asked)

    def push(self, number: int, kind: str, *, created: str | None = None) -> dict[str, Any]:
        """What the webhook of an event looks like."""
        return {
            "created": created or datetime.now(UTC).replace(tzinfo=None).isoformat(),
            "object": "event",
            "resource": {"type": "project", "uri": f"{self.url}/projects/{number}"},
            "type": kind,
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                version = self.headers.get("Ulule-Version")
                api.asked.append((self.path, version))
                path = urlsplit(self.path).path
                failure = waiting.pop(0) if (waiting := api._failures.get(path)) else passing
                if failure is not passing:
                    failure(self)
                    return
                found = api._answer(self.path, version)
                send(self, 404 if found is None else 200, found or {"message": "Not found"})

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _answer(self, target: str, version: str | None) -> Any:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        match parts.path.removeprefix(PREFIX).strip("/").split("/"):
            case ["projects", number]:
                found = self.projects.get(int(number))
                return self._shown(found, version) if found else None
            case ["partners", slug, "projects"] if slug in self.partners:
                return self._page(slug, query, version)
        return None

    def _page(self, slug: str, query: Mapping[str, str], version: str | None) -> Any:
        limit = min(int(query.get("limit", MOST)), MOST)
        # places in the list stand for the times of creation
        since = int(query.get("since", 0))
        listed = [
            (place, number)
            for place, number in enumerate(reversed(self.partners[slug]), 1)
            if self.projects[number]["status"] == query.get("status", "online")
            and not self.projects[number]["finished"]
            and (not since or place < since)
        ]
        newest_first = sorted(listed, reverse=True)
        shown = newest_first[:limit]
        more = len(newest_first) > limit
        after = "?" + urlencode({"limit": limit, "since": shown[-1][0]}) if more else None
        return {
            "projects": [self._shown(self.projects[number], version) for _, number in shown],
            "meta": {"limit": limit, "next": after},
        }

    def _shown(self, found: Mapping[str, Any], version: str | None) -> Any:
        return found if version and not self.ignores_versions else flat(found)


def send(
    request: BaseHTTPRequestHandler,
    status: int,
    body: Any,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer with JSON, or with bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
    except OSError:
        pass  # whoever asked has had enough


def status(code: int, **headers: str) -> Failure:
    """Answer with an error; `Retry_After="1"` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: send(request, code, {"message": "no"}, named)


def passing(_: BaseHTTPRequestHandler) -> None:
    """Answer as if nothing were to fail: for what comes before a failure."""


def truncated(request: BaseHTTPRequestHandler) -> None:
    """Stop in the middle of a JSON document."""
    send(request, 200, b'{"id": 1, "name": {"fr": "Ordina')


def huge(request: BaseHTTPRequestHandler) -> None:
    """Answer with more than anybody wants to read."""
    send(request, 200, b'{"id": 1, "pad": "' + b"x" * (2 * 1024 * 1024) + b'"}')


def redirect(to: str) -> Failure:
    """Point elsewhere."""
    return lambda request: send(request, 302, {}, {"Location": to})


class Slow:
    """Answers once it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.reached = threading.Event()

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        """Hold the request."""
        self.reached.set()
        self.let_go.wait(60)
        send(request, 503, {"message": "too late"})


@contextmanager
def ulule() -> Iterator[Ulule]:
    """The server, for as long as the block lasts."""
    api = Ulule()
    api.start()
    try:
        yield api
    finally:
        api.stop()
