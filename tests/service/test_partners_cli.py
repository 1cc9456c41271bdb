"""What an admin does with partners at a terminal."""

import subprocess
import sys
from uuid import uuid4

from tests.harness import System, eventually
from tests.harness.partners import Platform, event
from tests.harness.servers import ROOT


def run(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m services.announcements partners …` on the running service's database."""
    return subprocess.run(
        [sys.executable, "-m", "services.announcements", "partners", *arguments],
        cwd=ROOT,
        env={**system.environment, "COLUMNS": "40"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_registered_rotated_and_revoked(announcements: System) -> None:
    slug = f"cli{uuid4().hex[:8]}"
    added = run(announcements, "add", slug, "--name", "Essai", "--kind", "ulule")
    assert added.returncode == 0, added.stderr
    assert "whsec_" in added.stdout
    assert f"/partners/{slug}/hooks/" in added.stdout
    again = run(announcements, "add", slug, "--name", "Essai")
    assert (again.returncode, again.stderr.strip()) == (1, "Un partenaire porte déjà ce nom.")
    bad = run(announcements, "add", "Pas Bon", "--name", "Essai")
    assert (bad.returncode, "slug" in bad.stderr) == (2, True)
    named = run(announcements, "add", f"{slug}b", "--name", "Essai", "--ulule-slug", "essai")
    assert (named.returncode, "Ulule" in named.stderr) == (1, True)

    too_long = run(announcements, "rotate", slug, "--overlap-hours", "721")
    assert too_long.returncode == 2
    path = run(announcements, "rotate-hook", slug).stdout.split()[1]
    assert path.startswith(f"/partners/{slug}/hooks/")
    assert path not in added.stdout
    assert run(announcements, "set", slug, "--ulule-slug", "notre-nom").returncode == 0

    rotated = run(announcements, "rotate", slug, "--overlap-hours", "1")
    key = rotated.stdout.split()[1]
    shown = run(announcements, "show", slug)
    assert key in shown.stdout
    assert "whsec_" not in shown.stdout
    assert run(announcements, "revoke", slug, key).returncode == 0
    assert key not in run(announcements, "show", slug).stdout
    assert slug in run(announcements, "list").stdout


def test_what_was_sent_is_listed(announcements: System) -> None:
    platform = Platform(announcements)
    id_ = platform.send(event("x", {}, "order.paid")).json()["delivery"]
    assert id_ in run(announcements, "deliveries", platform.slug).stdout
    assert run(announcements, "set", platform.slug, "--suspended").returncode == 0
    assert "suspended" in run(announcements, "list").stdout
    assert run(announcements, "deliveries", platform.slug, "--last", "0").returncode == 2
    eventually(lambda: platform.delivery(id_)["status"] == "ignored")
    shown = run(announcements, "delivery", platform.slug, id_).stdout
    assert id_ in shown
    assert "order.paid" in shown
    assert "ignored" in shown
    replayed = run(announcements, "replay", platform.slug, id_)
    assert (replayed.returncode, "suspendu" in replayed.stderr) == (1, True)
    unknown = run(announcements, "replay", platform.slug, "nothing")
    assert (unknown.returncode, unknown.stderr.strip()) == (1, "Cet envoi n'existe pas.")
