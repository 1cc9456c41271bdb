"""docker-compose.yml and the Dockerfile keep what the operator and the other tests rely on."""

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from services.announcements.settings import Settings
from services.directory.settings import Settings as DirectorySettings
from shared.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path(__file__).with_name("compose-spec.json")

Service = dict[str, Any]

# The folders decide, so that a new service cannot be forgotten in docker-compose.yml.
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/__main__.py"))
COMMANDS = {name: ["python", "-m", f"services.{name}"] for name in SERVICES}
SPLIT = {f"{name}-{part}": name for name in SERVICES for part in ("api", "worker")}

SECRET = re.compile(r"KEY|SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL")
# `${NAME}`, `${NAME:-}` and `${NAME:?message}`, but neither a value nor `${NAME:-value}`.
WITHOUT_DEFAULT = re.compile(r"\$\{[A-Z_]+(:?-|:?\?[^{}]*)?\}")


def load() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return document


def containers() -> dict[str, Service]:
    services: dict[str, Service] = load()["services"]
    return services


def ours() -> dict[str, Service]:
    """What runs our own image."""
    return {name: service for name, service in containers().items() if service["image"] == "mednum"}


def of_profile(profile: str) -> dict[str, Service]:
    return {name: service for name, service in ours().items() if service["profiles"] == [profile]}


def command(service: Service) -> list[str]:
    given: str | list[str] = service["command"]
    return shlex.split(given) if isinstance(given, str) else given


def environment(service: Service) -> dict[str, str]:
    given: dict[str, str] = service.get("environment", {})
    return given


def roles(service: Service) -> set[str]:
    return set(environment(service)["ROLES"].split(","))


def published(service: Service) -> list[tuple[str, str]]:
    """Host address and host port of each published port; either may be empty."""
    pairs = []
    for port in service.get("ports", []):
        if isinstance(port, dict):
            pairs.append((str(port.get("host_ip", "")), str(port.get("published", ""))))
        else:
            address, _, host_port = str(port).rpartition(":")[0].rpartition(":")
            pairs.append((address, host_port))
    return pairs


def final_stage() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile's last stage, as (name, arguments)."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ").splitlines()
    steps = [
        (name.upper(), rest.strip()) for name, _, rest in (line.partition(" ") for line in whole)
    ]
    last = max(number for number, (name, _) in enumerate(steps) if name == "FROM")
    return steps[last:]


def test_the_file_is_valid_against_the_compose_specification() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(load())] == []


def test_the_schema_is_whole() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert "services" in schema["properties"]
    broken = {"services": {"kafka": {"image": "apache/kafka", "comand": "typo"}}}
    assert not Draft202012Validator(schema).is_valid(broken)


def test_each_service_of_ours_is_in_one_profile() -> None:
    assert set(ours()) == set(of_profile("simple")) | set(of_profile("scaled"))


def test_what_all_need_is_in_no_profile() -> None:
    others = {name: "profiles" in each for name, each in containers().items() if name not in ours()}
    assert others == {"kafka": False, "mongo": False, "mailpit": False}


def test_profile_simple_has_each_service_once_with_all_roles() -> None:
    simple = of_profile("simple")
    assert {name: command(service) for name, service in simple.items()} == COMMANDS
    assert [name for name, service in simple.items() if "ROLES" in environment(service)] == []


def test_profile_scaled_has_api_and_worker_of_each_service() -> None:
    scaled = of_profile("scaled")
    assert {name: command(service) for name, service in scaled.items()} == {
        container: COMMANDS[name] for container, name in SPLIT.items()
    }


SENDERS = {"announcements", "directory", "notifications"}
"""They call or mail others, or do something at a time of the day."""


def test_api_and_worker_share_the_roles() -> None:
    scaled = of_profile("scaled")
    for container, name in SPLIT.items():
        work = {"consumer", "relay"} | ({"sender"} if name in SENDERS else set())
        expected = {"api"} if container.endswith("-api") else work
        assert roles(scaled[container]) == expected, container


def test_api_and_worker_differ_from_the_whole_service_in_roles_alone() -> None:
    simple, scaled = of_profile("simple"), of_profile("scaled")
    for container, name in SPLIT.items():
        settings = dict(environment(scaled[container]))
        del settings["ROLES"]
        assert settings == environment(simple[name]), container


def test_what_is_scaled_has_no_fixed_name_and_no_fixed_host_port() -> None:
    for name, service in of_profile("scaled").items():
        assert "container_name" not in service, name
        assert [port for _, port in published(service) if port] == [], name


def test_ports_are_published_on_the_loopback_address_and_only_once() -> None:
    pairs = [pair for service in containers().values() for pair in published(service)]
    assert {address for address, _ in pairs} == {"127.0.0.1"}
    fixed = [port for _, port in pairs if port]
    assert len(fixed) == len(set(fixed))


def test_every_container_has_a_health_check() -> None:
    without = [name for name, each in containers().items() if not each["healthcheck"].get("test")]
    assert without == []
    for name, service in ours().items():
        assert "/health/ready" in " ".join(service["healthcheck"]["test"]), name


def test_our_services_start_only_when_what_they_need_is_healthy() -> None:
    for name, service in ours().items():
        needs = service["depends_on"]
        assert {"kafka", "mongo"} <= set(needs) <= set(containers()) - set(ours()), name
        assert {need["condition"] for need in needs.values()} == {"service_healthy"}, name


def test_no_container_is_privileged() -> None:
    for name, service in containers().items():
        assert not service.get("privileged"), name
        assert not service.get("cap_add"), name
        assert service.get("network_mode") != "host", name
        assert service.get("pid") != "host", name
        assert "docker.sock" not in str(service.get("volumes", "")), name


def test_our_services_are_locked_down() -> None:
    for name, service in ours().items():
        assert service["read_only"] is True, name
        assert service["tmpfs"] == ["/tmp"], name  # noqa: S108
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "user" not in service, name  # it would override the image's


def test_every_container_restarts_and_limits_its_logs() -> None:
    for name, service in containers().items():
        assert service["restart"] == "unless-stopped", name
        assert {"max-size", "max-file"} <= set(service["logging"]["options"]), name


def test_our_image_is_built_once_a_profile_and_never_pulled() -> None:
    for profile in ("simple", "scaled"):
        built = [name for name, service in of_profile(profile).items() if "build" in service]
        assert len(built) == 1, profile
    assert {service["pull_policy"] for service in ours().values()} == {"never"}


def test_images_of_others_are_pinned() -> None:
    for name, service in containers().items():
        if name not in ours():
            assert re.search(r":v?\d+\.\d+", service["image"]), name


def test_no_secret_has_a_default() -> None:
    secrets = {
        (name, key): str(value)
        for name, service in containers().items()
        for key, value in environment(service).items()
        if SECRET.search(key)
    }
    assert {key for _, key in secrets} == {"JWT_KEY", "LINK_KEY"}
    given = [where for where, value in secrets.items() if not WITHOUT_DEFAULT.fullmatch(value)]
    assert given == []


def test_no_address_holds_a_password() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert re.findall(r"://[^/\s@]*@", text) == []


def interpolated(text: str, given: Mapping[str, str]) -> str:
    """What compose makes of a value, innermost `${NAME:-default}` first."""
    innermost = re.compile(r"\$\{([A-Z_]+):-([^${}]*)\}")
    while found := innermost.search(text):
        text = text.replace(found[0], given.get(found[1]) or found[2])
    return text


def announcements(monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    """The announcements' settings as their container reads them."""
    for name, value in environment(ours()["announcements"]).items():
        monkeypatch.setenv(name, interpolated(value, given))
    return Settings()


def test_the_announcements_get_each_setting_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Settings.model_fields.keys() - ServiceSettings.model_fields.keys()
    assert {name.upper() for name in own} <= environment(ours()["announcements"]).keys()
    defaults = Settings()
    made = announcements(monkeypatch)
    for name in own - {"own_hosts"}:
        assert getattr(made, name) == getattr(defaults, name), name


def test_the_directory_gets_each_setting_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = DirectorySettings.model_fields.keys() - ServiceSettings.model_fields.keys()
    given = environment(ours()["directory"])
    assert {name.upper() for name in own} <= given.keys()
    for name, value in given.items():
        monkeypatch.setenv(name, interpolated(value, {}))
    made = DirectorySettings()
    monkeypatch.undo()
    for name in own - {"dumps_dir", "link_key", "mednum_data", "search_index"}:
        assert getattr(made, name) == getattr(DirectorySettings(), name), name


def test_who_writes_the_dumps_shares_them_with_who_serves_them() -> None:
    for name in ("directory", "directory-api", "directory-worker"):
        folder = environment(ours()[name])["DUMPS_DIR"]
        assert f"dumps:{folder}" in ours()[name]["volumes"], name
    assert "dumps" in load()["volumes"]
    (made,) = [step for kind, step in final_stage() if kind == "RUN" and folder in step]
    assert "-o mednum" in made


def test_the_announcements_know_where_the_portal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert announcements(monkeypatch).portal_hosts == {"127.0.0.1"}
    made = announcements(
        monkeypatch,
        ANNOUNCEMENTS_URL="https://annonces.example.org",
        MODERATION_URL="https://moderation.example.org",
        DIRECTORY_URL="https://lieux.example.org/",
        SITE_URL="https://www.example.org/accueil",
    )
    names = {"annonces", "moderation", "lieux"}
    assert made.portal_hosts == {"example.org", *(f"{name}.example.org" for name in names)}
    made = announcements(monkeypatch, OWN_HOSTS='["autre.example.org"]')
    assert made.portal_hosts == {"127.0.0.1", "autre.example.org"}


def test_the_example_names_no_setting_that_nothing_reads() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    named = re.findall(r"(?m)^([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"))
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == set(named) - {"COMPOSE_PROFILES"}


@pytest.mark.parametrize("name", ["directory", "moderation", "notifications"])
def test_the_key_of_the_links_is_required(name: str) -> None:
    for container in (name, f"{name}-api", f"{name}-worker"):
        assert environment(ours()[container])["LINK_KEY"].startswith("${LINK_KEY:?"), container


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ("${LINK_KEY}", True),
        ("${LINK_KEY:-}", True),
        ("${LINK_KEY:?set it}", True),
        ("${LINK_KEY:-changeme}", False),
        ("${LINK_KEY-changeme}", False),
        ("${LINK_KEY:-${OTHER:-changeme}}", False),
        ("${LINK_KEY:-}changeme", False),
        ("changeme", False),
    ],
)
def test_a_default_of_a_secret_is_seen(value: str, fine: bool) -> None:
    assert bool(WITHOUT_DEFAULT.fullmatch(value)) is fine


def test_the_image_runs_as_a_user_other_than_root() -> None:
    users = [arguments for name, arguments in final_stage() if name == "USER"]
    assert users
    # A number: only from one can an orchestrator tell that it is not root.
    assert re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1])


def test_the_image_starts_a_service_by_the_same_command() -> None:
    steps = final_stage()
    assert "ENTRYPOINT" not in dict(steps)
    assert json.loads(dict(steps)["CMD"]) in COMMANDS.values()


def test_the_image_installs_locked_packages_alone() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in text
    assert "-r requirements.lock" in text
    assert set(re.findall(r"(?m)^FROM (\S+)", text)) == {"python:3.13-slim"}


def test_the_image_gets_only_what_is_listed() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!requirements.lock",
        "!services/",
        "!shared/",
    }
