"""A subscriber's server: keeps what it gets, and answers as it is told."""

import datetime as dt
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.2"
"""Not the services' own address: nobody may subscribe the portal to itself."""


@dataclass(frozen=True)
class Received:
    """A request as it came; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What to answer, once `when` is set."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    when: threading.Event | None = None
    body: bytes = b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class Receiver:
    """Listens on a port of its own until it is stopped; over TLS if a certificate is given."""

    def __init__(self, host: str = HOST, *, certificate: Path | None = None) -> None:
        self.received: list[Received] = []
        self._replies: dict[str, list[Reply]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                receiver.reply_of(self.path, self)

            do_GET = do_POST  # noqa: N815 as the library asks

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = _Server((host, 0), Handler)
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self.host, self.port = host, self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def url(self, path: str, host: str | None = None) -> str:
        """The address of a path, under another name of this machine if one is given."""
        return f"{self._scheme}://{host or self.host}:{self.port}{path}"

    def answers(self, path: str, *replies: Reply) -> None:
        """Answer a path so, one after the other; the last one for ever."""
        self._replies[path] = list(replies)

    def reply_of(self, path: str, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        replies = self._replies.get(path) or [Reply()]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply.when:
            reply.when.wait(60)
        try:
            handler.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:
            # whoever asked has not waited
            handler.close_connection = True

    def at(self, path: str) -> list[Received]:
        """What has come to a path, in the order of its coming."""
        return [one for one in self.received if one.path == path]

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def certificate(folder: Path, *names: str) -> Path:
    """A key and a certificate for these names and addresses, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    alternatives = [
        x509.IPAddress(ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names
    ]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path
