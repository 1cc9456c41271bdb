"""Calls to others: which addresses, which names, how much of an answer."""

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.announcements.domain.addresses import check_endpoint, is_reachable
from services.announcements.sender import outside
from services.announcements.settings import Settings
from shared.errors import InvalidInput
from tests.harness.receiver import Receiver, Reply, certificate

NETWORK = ip_network("127.0.0.0/8")
NAME = "abonne.example.org"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",  # noqa: S104
        "192.168.1.1", "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1",
        "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:a00:1::1", "fc00::1", "fd00:ec2::254",
        "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_reachable(ip_address(address), [])


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "::ffff:1.1.1.1", "64:ff9b::101:101", "2606:4700:4700::1111"]
)
def test_a_public_address(address: str) -> None:
    assert is_reachable(ip_address(address), [])


def test_a_network_that_settings_allow() -> None:
    assert is_reachable(ip_address("127.0.0.2"), [NETWORK])
    assert is_reachable(ip_address("::ffff:127.0.0.2"), [NETWORK])
    assert not is_reachable(ip_address("10.0.0.1"), [NETWORK])


def _rule(url: str, *networks: Any) -> str | None:
    try:
        check_endpoint(url, private_networks=networks, own_hosts=frozenset({"portail.example.org"}))
    except InvalidInput as exc:
        [wrong] = exc.invalid
        assert wrong.field == "url"
        return wrong.rule
    return None


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://abonne.example.org/crochet?cle=1", None),
        ("https://abonne.example.org:8443/", None),
        ("https://1.1.1.1/", None),
        ("https://[2606:4700:4700::1111]/", None),
        ("http://abonne.example.org/", "scheme"),
        ("ftp://abonne.example.org/", "scheme"),
        ("javascript:alert(1)", "url_parsing"),
        ("https://", "url_parsing"),
        ("https://abonne.example.org:0/", "url_parsing"),
        ("https://abonne.example.org:99999/", "url_parsing"),
        ("https://[::1/", "url_parsing"),
        ("https://abonne.example.org\\@127.0.0.1/", "url_parsing"),
        ("https://abonne.example.org/a b", "url_parsing"),
        ("https://moi:secret@abonne.example.org/", "userinfo"),
        ("https://abonne.example.org/#la", "fragment"),
        ("https://abonne.example.org/#", "fragment"),
        ("https://portail.example.org/crochet", "own_portal"),
        ("https://PORTAIL.example.org./crochet", "own_portal"),
        ("https://www.portail.example.org/crochet", "own_portal"),
        ("https://127.0.0.1/", "private_address"),
        ("https://127.1/", "private_address"),
        ("https://2130706433/", "private_address"),
        ("https://0x7f.0.0.1/", "private_address"),
        ("https://0177.0.0.1/", "private_address"),
        ("https://0.0.0.0/", "private_address"),
        ("https://169.254.169.254/latest/meta-data", "private_address"),
        ("https://[::1]/", "private_address"),
        ("https://[::ffff:10.0.0.1]/", "private_address"),
        ("https://[64:ff9b::a00:1]/", "private_address"),
        ("https://[2002:a00:1::]/", "private_address"),
        ("https://localhost/", "private_address"),
        ("https://kafka:9092/", "private_address"),
        ("https://-.fr/", "private_address"),
        ("https://\uff11\uff10.0.0.1/", "private_address"),
        ("https://mongo.localhost./", "private_address"),
        ("https://metadata.google.internal/", "private_address"),
    ],
)
def test_the_address_of_an_endpoint(url: str, rule: str | None) -> None:
    assert _rule(url) == rule


def test_http_only_inside_networks_that_settings_allow() -> None:
    assert _rule("http://127.0.0.2:8000/crochet", NETWORK) is None
    assert _rule("http://10.0.0.1/", NETWORK) == "scheme"
    assert _rule("http://1.1.1.1/", NETWORK) == "scheme"


def _resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names lead to these addresses, one list for each question; what was asked."""
    asked: list[str] = []
    left = list(answers)

    async def getaddrinfo(
        _loop: Any, host: str, port: int, **_: Any
    ) -> list[tuple[Any, Any, int, str, tuple[str, int]]]:
        if host == NAME:
            asked.append(host)
            found = left.pop(0) if len(left) > 1 else left[0]
        else:
            # what is connected to must be an address by now
            found = [str(ip_address(host))]
        return [
            (
                socket.AF_INET6 if ":" in one else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (one, port),
            )
            for one in found
        ]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked


def _settings(*networks: str) -> Settings:
    return Settings.model_validate({"private_networks": networks, "webhook_timeout": "PT5S"})


async def test_any_refused_address_of_a_name_refuses_it(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    _resolves(monkeypatch, ["127.0.0.2", "10.0.0.1"])
    async with outside.client(_settings("127.0.0.0/8")) as client:
        with pytest.raises(outside.AddressRefused):
            await client.post(receiver.url("/", NAME))
    assert receiver.received == []


async def test_by_default_this_machine_is_not_called(receiver: Receiver) -> None:
    async with outside.client(_settings()) as client:
        for host in ("127.0.0.2", "2130706434", "localhost", "0.0.0.0"):  # noqa: S104
            with pytest.raises(outside.AddressRefused):
                await client.post(receiver.url("/", host))
    assert receiver.received == []


async def test_a_name_is_asked_once_and_what_was_checked_is_called(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    # the second answer would lead elsewhere
    asked = _resolves(monkeypatch, ["127.0.0.2"], ["10.0.0.1"])
    async with outside.client(_settings("127.0.0.0/8")) as client:
        answer = await client.post(receiver.url("/crochet", NAME), content=b"{}")
    assert (answer.status_code, asked) == (204, [NAME])
    [got] = receiver.received
    assert got.headers["host"] == f"{NAME}:{receiver.port}"


async def test_the_certificate_must_be_the_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _resolves(monkeypatch, ["127.0.0.2"])
    signed = certificate(tmp_path, NAME)
    monkeypatch.setenv("SSL_CERT_FILE", str(signed))
    receiver = Receiver(certificate=signed)
    try:
        async with outside.client(_settings("127.0.0.0/8")) as client:
            answer = await client.post(receiver.url("/", NAME))
            assert answer.status_code == 204
            # the same server under the address that we connect to
            with pytest.raises(httpx.ConnectError):
                await client.post(receiver.url("/"))
        assert len(receiver.received) == 1
    finally:
        receiver.stop()


async def test_another_address_is_tried_when_one_is_away(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    _resolves(monkeypatch, ["127.0.0.9", "127.0.0.2"])
    async with outside.client(_settings("127.0.0.0/8")) as client:
        assert (await client.post(receiver.url("/", NAME), content=b"a")).status_code == 204
    [got] = receiver.received
    assert got.body == b"a"


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers("/", Reply(302, {"Location": receiver.url("/la")}))
    async with outside.client(_settings("127.0.0.0/8")) as client:
        assert (await client.get(receiver.url("/"))).status_code == 302
    assert [one.path for one in receiver.received] == ["/"]


async def test_how_much_of_an_answer_is_read(receiver: Receiver) -> None:
    receiver.answers("/", Reply(200, {"X-Version": "3"}, body=b"x" * 100))
    receiver.answers("/zip", Reply(200, {"Content-Encoding": "gzip"}, body=b"x" * 10))
    async with outside.client(_settings("127.0.0.0/8")) as client:
        request = client.build_request("GET", receiver.url("/"))
        answer = await outside.read_limited(client, request, 100)
        assert (answer.status, answer.body, answer.headers["x-version"]) == (200, b"x" * 100, "3")
        with pytest.raises(outside.TooLong):
            await outside.read_limited(client, client.build_request("GET", request.url), 99)
        packed = client.build_request("GET", receiver.url("/zip"))
        with pytest.raises(httpx.DecodingError):
            await outside.read_limited(client, packed, 100)


async def test_a_name_that_does_not_exist() -> None:
    async with outside.client(_settings()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("https://nulle-part.invalid/")
