"""The development supervisor: keys, tokens, what replaces an embedded server, one per folder."""

import os
import socket
import stat
from pathlib import Path

import pytest

from services import supervisor
from services.supervisor import AlreadyRunning
from shared.auth import Verifier
from shared.embedded import HOST, free_port
from shared.errors import NotAuthenticated
from shared.settings import ServiceSettings

REAL = {"KAFKA_URL": "kafka:9092", "MONGO_URL": "mongodb://mongo", "SMTP_HOST": "mail"}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*REAL, "JWT_KEY", "LINK_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    keys = supervisor.development_keys(tmp_path / "var")

    assert supervisor.development_keys(tmp_path / "var") == keys
    assert all(len(key) >= 32 for key in (keys["JWT_KEY"], keys["LINK_KEY"]))
    assert keys["JWT_KEY"] != keys["LINK_KEY"]
    assert stat.S_IMODE((tmp_path / "var" / "dev-secrets.json").stat().st_mode) == 0o600


def test_keys_of_the_environment_go_first_and_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_KEY", "k" * 40)

    assert supervisor.development_keys(tmp_path)["JWT_KEY"] == "k" * 40
    assert "k" * 40 not in (tmp_path / "dev-secrets.json").read_text()


async def test_a_token_is_what_the_services_accept(tmp_path: Path) -> None:
    key = supervisor.development_keys(tmp_path)["JWT_KEY"]
    verifier = Verifier(ServiceSettings(jwt_key=key))

    made = supervisor.token(key, "Ada Lovelace", roles=["moderator"], email="ada@example.org")
    account = await verifier.account(made)

    assert (account.id, account.name) == ("ada-lovelace", "Ada Lovelace")
    assert account.email == "ada@example.org"
    assert account.roles == {"moderator"}


async def test_a_token_ends_after_its_days(tmp_path: Path) -> None:
    key = supervisor.development_keys(tmp_path)["JWT_KEY"]
    verifier = Verifier(ServiceSettings(jwt_key=key))

    with pytest.raises(NotAuthenticated):
        await verifier.account(supervisor.token(key, "Ada", days=-1))


def test_all_servers_are_embedded_by_default(tmp_path: Path) -> None:
    servers = {server.name: server for server in supervisor.servers(tmp_path)}

    assert set(servers) == {"broker", "database", "mail"}
    assert servers["broker"].settings["KAFKA_IDEMPOTENCE"] == "false"
    assert "--sync-on-commit" in servers["database"].command


@pytest.mark.parametrize(
    ("variable", "replaced"),
    [("KAFKA_URL", "broker"), ("MONGO_URL", "database"), ("SMTP_HOST", "mail")],
)
def test_a_real_server_replaces_the_embedded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, replaced: str
) -> None:
    monkeypatch.setenv(variable, REAL[variable])

    names = {server.name for server in supervisor.servers(tmp_path)}

    assert names == {"broker", "database", "mail"} - {replaced}


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    wanted = free_port()
    assert free_port(wanted) == wanted

    with socket.create_server((HOST, wanted)):
        assert free_port(wanted) != wanted


def test_a_folder_has_one_supervisor(tmp_path: Path) -> None:
    with (
        supervisor.locked(tmp_path),
        pytest.raises(AlreadyRunning, match=str(os.getpid())),
        supervisor.locked(tmp_path),
    ):
        pass

    with supervisor.locked(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
