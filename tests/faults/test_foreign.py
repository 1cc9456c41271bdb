"""What others write on the topic `partners` stops neither the rest of it nor our own events."""

import json
import subprocess
import sys
from typing import Any

from tests.faults.conftest import MakeSystem
from tests.harness import System, eventually
from tests.harness.badly import RawName, send_together
from tests.harness.partners import ADMIN, STRUCTURED, Platform, event, signed
from tests.harness.servers import ROOT

CALL = {
    "version": 1,
    "kind": "skills_call",
    "titre": "Animer un atelier",
    "texte": "Deux heures par semaine.",
    "help_kind": "volunteering",
    "remote": True,
    "ends_on": "2028-01-31",
}


def record(platform: Platform, reference: str) -> tuple[str, dict[str, Any]]:
    """A good delivery's id, and its record."""
    data = {**CALL, "lien": f"https://missions.example.org/{platform.slug}/{reference}"}
    body = json.dumps({**event(reference, data), "source": f"/partners/{platform.slug}"}).encode()
    headers = {"content-type": STRUCTURED, **signed(platform.secret, body)}
    named = [(name, value.encode()) for name, value in headers.items()]
    return headers["webhook-id"], {"value": body, "headers": named}


def applied(platform: Platform, *ids: str) -> None:
    """Wait until these deliveries are applied."""

    def check() -> bool:
        return all(platform.delivery(id_)["status"] == "applied" for id_ in ids)

    eventually(check)


def dead(system: System, *arguments: str) -> str:
    """`python -m services.announcements dead …`, as an operator types it."""
    return subprocess.run(
        [sys.executable, "-m", "services.announcements", "dead", *arguments],
        cwd=ROOT,
        env=system.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


async def test_what_cannot_be_read_is_passed_over_alone(make_system: MakeSystem) -> None:
    system = make_system(services=("announcements",))
    platform = Platform(system)
    good = [record(platform, str(number)) for number in range(6)]
    bad = {"value": b'{"missing": 1}', "headers": [(RawName(b"\xff\xfe"), b"x")]}
    messages = [one for _, one in good]
    await send_together(
        system, "partners", messages[0], bad, messages[1], bad, bad, messages[2], bad
    )
    applied(platform, *[id_ for id_, _ in good[:3]])
    # our own events go on
    answer = platform.send(event("http", {**CALL, "lien": "https://missions.example.org/http"}))
    applied(platform, answer.json()["delivery"])

    def listed() -> list[str]:
        lines = dead(system, "list").splitlines()
        found = [line for line in lines if "the name of a header is not UTF-8" in line]
        assert len(found) == 4, lines
        return found

    lines = eventually(listed)
    assert [any(f"partners:0:{offset} " in one for one in lines) for offset in (1, 3, 4, 6)] == [
        True
    ] * 4
    assert "missing" in dead(system, "show", lines[0].split()[0])

    await send_together(system, "partners", bad, messages[3])
    applied(platform, good[3][0])
    system.restart()
    await send_together(system, "partners", messages[4], bad, messages[5])
    applied(platform, good[4][0], good[5][0])
    assert system.get("announcements", f"/partners/{platform.slug}", as_=ADMIN)["slug"]
