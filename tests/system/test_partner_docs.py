"""The examples of docs/partners.md run as they are, against a service that knows the partner."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest

from services.announcements.use_cases.relayed import announcement_id
from tests.harness import Servers, System, eventually
from tests.harness.rows import rows
from tests.harness.servers import ROOT
from tests.harness.system import token

PAGE = ROOT / "docs" / "partners.md"
ADMIN = token("admin", "admin")
MODERATOR = token("moderator", "moderator")
EXAMPLES = {
    "bash": ("appel-curl", "Bénévoles pour un atelier du mardi"),
    "python": ("appel-python", "Un bus numérique pour la vallée"),
}
"""What each example announces: its reference, its title."""


def example(language: str) -> str:
    """The only fenced block in this language."""
    text = PAGE.read_text("utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture(scope="module")
def portal(servers: Servers) -> Iterator[System]:
    """The announcements service, alone."""
    system = System(servers, services=("announcements",))
    try:
        yield system.start()
    finally:
        system.stop()


def run(language: str, system: System, slug: str, secret: str) -> subprocess.CompletedProcess[str]:
    """Run an example by the command of its language."""
    programs = {"bash": ["bash"], "python": [sys.executable, "-"]}
    environment = {
        "PATH": os.environ["PATH"],
        "MEDNUM_URL": system.processes["announcements"].url,
        "MEDNUM_PARTNER": slug,
        "MEDNUM_SECRET": secret,
    }
    return subprocess.run(
        programs[language],
        input=example(language),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("language", EXAMPLES)
async def test_an_example_announces(portal: System, language: str) -> None:
    missing = [name for name in ("bash", "curl", "openssl") if not shutil.which(name)]
    if language == "bash" and missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    slug = f"exemple-{uuid4().hex[:8]}"
    body = {"slug": slug, "name": "Plateforme d'exemple", "kind": "events"}
    secret = portal.post("announcements", "/partners", body, as_=ADMIN)["secret"]

    done = run(language, portal, slug, secret)
    assert done.returncode == 0, done.stdout + done.stderr

    reference, titre = EXAMPLES[language]
    path = f"/announcements/{announcement_id(slug, reference)}"
    announced = eventually(lambda: portal.get("announcements", path, as_=MODERATOR))
    assert (announced["titre"], announced["state"]) == (titre, "submitted")
    (delivery,) = await rows(portal, "announcements", "deliveries", partner=slug)
    assert (delivery["status"], delivery["reason"]) == ("applied", None)


def test_a_wrong_secret_stops_the_example(portal: System) -> None:
    slug = f"exemple-{uuid4().hex[:8]}"
    body = {"slug": slug, "name": "Plateforme d'exemple", "kind": "events"}
    portal.post("announcements", "/partners", body, as_=ADMIN)
    done = run("python", portal, slug, "whsec_" + "A" * 44)
    assert done.returncode != 0
    assert done.stdout.startswith("401 ")


def test_the_page_leads_to_files_that_are_there() -> None:
    found = re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE.read_text("utf-8"))
    assert set(found) == {"openapi/announcements.json", "asyncapi.json"}
    assert [name for name in found if not (PAGE.parent / name).exists()] == []
