"""The services as processes, and the tools of the people who use them: HTTP and mail."""

import email
import mailbox
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey

from shared.embedded import die_with_parent, free_port
from tests.harness.servers import ROOT, Servers
from tests.harness.venues import source_of

T = TypeVar("T")

SERVICES = ("directory", "moderation", "announcements", "notifications")
JWT_KEY = "a-secret-for-the-tests-of-at-least-32-characters"
LINK_KEY = "a-link-key-for-the-tests-of-at-least-32-characters"
_TLS = ssl.create_default_context()
"""Made once: httpx would read all certificates again for each request."""
MODERATORS = "moderation@equipe.example.org"
PATIENCE = 240.0
"""Seconds until an expectation has failed; how long things take is never asserted.

An embedded database frees what a killed transaction had locked after 60 s, as MongoDB does; a
mail that waited for that may then wait as long again, as its pauses have grown.
"""


def eventually(check: Callable[[], T], timeout: float = PATIENCE) -> T:
    """The first true result of `check`; failed assertions and refused connections are retried."""
    limit = time.monotonic() + timeout
    while True:
        try:
            result = check()
        except (AssertionError, httpx.TransportError, LookupError):
            if time.monotonic() > limit:
                raise
        else:
            if result or time.monotonic() > limit:
                assert result, f"still {result!r} after {timeout:g} s"
                return result
        time.sleep(0.1)


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """An HTTP request; waits for a server that is not up yet, never sends anything twice."""
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return httpx.request(method, url, timeout=PATIENCE, verify=_TLS, **options)
        except httpx.ConnectError:
            if time.monotonic() > limit:
                raise
        time.sleep(0.1)


def token(
    account: str, *roles: str, email: str | None = None, expires_in: int = 3600, **said: Any
) -> str:
    """What the identity provider would give this account; `said`: other claims."""
    claims: dict[str, Any] = {
        "sub": account,
        "name": account.title(),
        "roles": list(roles),
        "exp": int(time.time()) + expires_in,
        **said,
    }
    if email:
        claims["email"] = email
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(JWT_KEY))


class Process:
    """One process of a service."""

    def __init__(self, service: str, environment: Mapping[str, str], log: Path, port: int) -> None:
        self.service = service
        self.url = f"http://127.0.0.1:{port}"
        self._environment = environment
        self._log = log
        self._port = port
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self, *, command: Sequence[str] = (), **extra: str) -> None:
        """Start it, by the very command of docker-compose.yml unless another is given."""
        with self._log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, *(command or ("-m", f"services.{self.service}"))],
                cwd=ROOT,
                env={**self._environment, "PORT": str(self._port), **extra},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),
            )

    def kill(self) -> None:
        """`kill -9`."""
        assert self.popen
        self.popen.kill()
        self.popen.wait()

    def stop(self) -> None:
        """Ask it to stop, and insist."""
        if self.popen and self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    @property
    def dead(self) -> bool:
        """Whether it has died."""
        return self.popen is not None and self.popen.poll() is not None

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def ready(self) -> bool:
        """Whether it says that every part of it works."""
        assert not self.dead, f"{self.service} died:\n{self.log[-3000:]}"
        answer = httpx.get(f"{self.url}/health/ready", timeout=10)
        assert answer.status_code == 200, f"{answer.text}\n{self.log[-2000:]}"
        return True


class System:
    """Some of the services on their own database names, topics and mail server."""

    def __init__(
        self,
        servers: Servers,
        *,
        services: Sequence[str] = SERVICES,
        broker_settings: Mapping[str, str] | None = None,
        database_settings: Mapping[str, str] | None = None,
        **settings: str,
    ) -> None:
        self.name = uuid4().hex[:8]
        self._smtp, self._maildir = servers.smtp()
        ports = {service: free_port() for service in SERVICES}
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME")},
            **servers.environment,
            **(broker_settings or {}),
            **(database_settings or {}),
            **self._smtp.server.settings,
            "PYTHONPATH": str(ROOT),
            # whoever is killed leaves its search index behind
            "TMPDIR": str(servers.folder),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_PREFIX": f"t{self.name}_",
            "TOPIC_PREFIX": f"t{self.name}.",
            "TOPIC_PARTITIONS": "2",
            "JWT_KEY": JWT_KEY,
            "LINK_KEY": LINK_KEY,
            "MODERATORS": MODERATORS,
            "MODERATION_URL": f"http://127.0.0.1:{ports['moderation']}",
            "DIRECTORY_URL": f"http://127.0.0.1:{ports['directory']}",
            "OWN_HOSTS": '["portail.example.org"]',
            **settings,
        }
        folder = servers.folder / f"system-{self.name}"
        folder.mkdir()
        self._folder = folder
        self.processes = {
            service: Process(
                service,
                {"PUBLIC_URL": f"http://127.0.0.1:{ports[service]}", **self.environment},
                folder / f"{service}.log",
                ports[service],
            )
            for service in services
        }

    @property
    def smtp(self) -> Any:
        """The mail server, to stop and start."""
        return self._smtp

    def replica(self, service: str, **settings: str) -> Process:
        """One more process of a service, not started."""
        name = f"{service}-{uuid4().hex[:4]}"
        environment = {**self.environment, **settings}
        return Process(service, environment, self._folder / f"{name}.log", free_port())

    def start(self) -> "System":
        """Start all services and wait until each is ready."""
        for process in self.processes.values():
            process.start()
        self.wait()
        return self

    def wait(self) -> None:
        """Wait until each service says that it is ready."""
        for process in self.processes.values():
            eventually(process.ready, 90)

    def restart(self) -> None:
        """`kill -9` every service, and start them again."""
        for process in self.processes.values():
            process.kill()
        self.start()

    def stop(self) -> None:
        """Stop the services and the mail server."""
        for process in self.processes.values():
            process.stop()
        self._smtp.stop()

    def call(
        self, method: str, service: str, path: str, *, as_: str | None = None, **options: Any
    ) -> httpx.Response:
        """An HTTP request to a service, with a token if `as_` gives one."""
        headers = dict(options.pop("headers", {}))
        if as_:
            headers["Authorization"] = f"Bearer {as_}"
        url = f"{self.processes[service].url}{path}"
        return request(method, url, headers=headers, **options)

    def get(self, service: str, path: str, *, as_: str | None = None) -> Any:
        """The JSON of a successful GET."""
        answer = self.call("GET", service, path, as_=as_)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, service: str, path: str, body: Any, *, as_: str | None = None) -> Any:
        """The JSON of a successful POST."""
        answer = self.call("POST", service, path, as_=as_, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def import_venues(self, csv: bytes) -> Any:
        """Import a file over HTTP; the report."""
        answer = self.call(
            "POST",
            "directory",
            f"/imports?source={source_of(csv)}",
            as_=token("admin", "admin"),
            content=csv,
            headers={"Content-Type": "text/csv"},
        )
        assert answer.is_success, answer.text
        return answer.json()

    def mails(self, to: str, subject: str = "") -> list[EmailMessage]:
        """The mails that an address has got, in the order of their coming."""
        box = mailbox.Maildir(self._maildir, create=False)
        with_times = []
        for key in box.keys():  # noqa: SIM118 a Maildir iterates over messages
            message = _message(box.get_bytes(key))
            if to in _addresses(message) and subject in str(message["Subject"]):
                with_times.append((Path(self._maildir, "new", key).stat().st_mtime_ns, message))
        return [message for _, message in sorted(with_times, key=lambda one: one[0])]

    def mails_of(self, to: str, count: int) -> list[EmailMessage]:
        """All mails of an address once there are so many; waits for them."""

        def come() -> list[EmailMessage]:
            mails = self.mails(to)
            assert len(mails) >= count, [str(one["Subject"]) for one in mails]
            return mails

        mails = eventually(come)
        assert len(mails) == count, [str(one["Subject"]) for one in mails]
        return mails

    def mail(self, to: str, subject: str = "") -> EmailMessage:
        """The only mail with this in its subject that an address gets; waits for it."""
        mails = eventually(lambda: self.mails(to, subject))
        assert len(mails) == 1, [str(one["Subject"]) for one in mails]
        return mails[0]


def _addresses(message: EmailMessage) -> list[str]:
    return [one.addr_spec for one in message["To"].addresses]


def _message(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(mail: EmailMessage) -> str:
    """A mail's plain text."""
    part = mail.get_body(("plain",))
    assert part
    return str(part.get_content())


def link_of(mail: EmailMessage, choice: str) -> str:
    """The link to accept (`accepter`) or refuse (`refuser`) in a manager's mail."""
    found = re.search(rf"http://\S+/decision/\S+choix={choice}", text_of(mail))
    assert found, text_of(mail)
    return found[0]
