"""Rules that ask for an explicit decision: at the limit without one, what they hold stays out."""

from typing import Any

import pytest

from shared.database import now
from shared.events import FieldChange
from shared.events.directory import EditImproved
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    HORAIRES,
    LONG_AGO,
    NOM,
    a_news,
    a_report,
    an_announcement,
    an_edit,
    becomes,
    decide,
    fill_in,
    found,
    link,
    opened,
    opened_all,
    said,
    week_ends,
)
from tests.harness.system import token

SERVICES = ["Aide aux démarches administratives", "Maîtrise des outils", "Accès internet"]
HERE = {"latitude": 44.7534, "longitude": 5.3706}
"""2 km north of it is 0.018° away."""


def change(field: str, old: Any, new: Any) -> FieldChange:
    """One change."""
    return FieldChange(field=field, old=old, new=new)


HELD: dict[str, tuple[str, list[FieldChange], list[str]]] = {
    # the rule, what is proposed beside a new name, what it holds
    "no public": (
        "closing",
        [change("modalites_acces", ["Se présenter"], ["Ce lieu n'accueille pas de public"])],
        ["modalites_acces"],
    ),
    "closed": ("closing", [change("horaires", "Mo-Fr 09:00-12:00", "off")], ["horaires"]),
    "mail": ("public_mail", [FieldChange(field="courriels", withheld=True)], ["courriels"]),
    "siret": ("siret", [change("pivot", "99912345600017", "99912345600025")], ["pivot"]),
    "far": (
        "far_away",
        [change("latitude", 44.7534, 44.7734), change("longitude", 5.3706, 5.3706)],
        ["latitude", "longitude"],
    ),
    "far by latitude alone": (
        "far_away",
        [change("latitude", 44.7534, 44.7734)],
        ["latitude"],
    ),
    "nowhere": ("far_away", [change("latitude", 44.7534, None)], ["latitude"]),
    "services": ("services_removed", [change("services", SERVICES, SERVICES[:1])], ["services"]),
    "all services": ("services_removed", [change("services", SERVICES, None)], ["services"]),
}


@pytest.mark.parametrize("what", HELD)
async def test_silence_leaves_out_what_a_rule_holds(moderation: System, what: str) -> None:
    rule, changes, fields = HELD[what]
    edit = an_edit(
        public_addresses=1, changes=[NOM, *changes], proposed_at=now() - LONG_AGO, **HERE
    )
    await tell(moderation, edit)
    there = becomes(moderation, edit.proposal_id, state="partly_approved")
    assert (there["approved_fields"], there["refused_fields"]) == (["nom"], fields)
    [held] = there["decision"]["held"]
    assert (held["rule"], held["fields"]) == (rule, fields)
    assert there["held"] == [held]
    review, approved = await said(moderation, edit.proposal_id)
    # moderators at once, beside the manager
    assert (review.body["for_moderators"], review.body["public_addresses"]) == (True, 1)
    assert review.body["held"] == [held]
    assert approved.body["fields"] == ["nom"]
    assert approved.body["decision"]["held"] == [held]
    # nobody has refused anything: the author can send it again, and loses nothing
    me = token(edit.author.account_id, "user")
    record = moderation.get("moderation", "/contributors/me", as_=me)
    assert (record["accepted"], record["refused"]) == (1, 0)
    path = f"/cases/{edit.proposal_id}/statement"
    statement = moderation.get("moderation", path, as_=me)
    assert (statement["automated"], statement["rule"]) == (True, "deadline")
    assert statement["ground"] == held["sentence"]
    assert any("renvoyer" in one for one in statement["redress"])


FREE: dict[str, list[FieldChange]] = {
    "near": [change("latitude", 44.7534, 44.7634), change("longitude", 5.3706, 5.3706)],
    "fewer services": [change("services", SERVICES, SERVICES[:2])],
    "half of the services": [change("services", SERVICES[:2], SERVICES[:1])],
    "other hours": [HORAIRES],
    "other ways in": [change("modalites_acces", None, ["Se présenter"])],
    "a new link": [change("site_web", None, ["https://nouveau.example.org"])],
}


@pytest.mark.parametrize("what", FREE)
async def test_silence_accepts_what_no_rule_holds(moderation: System, what: str) -> None:
    changes = FREE[what]
    edit = an_edit(
        public_addresses=1, changes=[NOM, *changes], proposed_at=now() - LONG_AGO, **HERE
    )
    await tell(moderation, edit)
    there = becomes(moderation, edit.proposal_id, state="approved")
    assert (there["held"], there["decision"]["held"]) == ([], [])
    assert there["approved_fields"] == [one.field for one in edit.changes]
    [review, _] = await said(moderation, edit.proposal_id)
    assert review.body["for_moderators"] is False


async def test_when_all_is_held_silence_refuses(moderation: System) -> None:
    siret = change("pivot", "99912345600017", "99912345600025")
    edit = an_edit(changes=[siret], proposed_at=now() - LONG_AGO)
    await tell(moderation, edit)
    there = becomes(moderation, edit.proposal_id, state="refused")
    assert there["appeal_until"] is None
    _, refusal = await said(moderation, edit.proposal_id)
    assert refusal.type == "EditRefused"
    [held] = refusal.body["decision"]["held"]
    assert held["sentence"] == "Changer le numéro SIRET d'un lieu demande une réponse."


async def test_who_decides_explicitly_may_accept_what_is_held(moderation: System) -> None:
    siret = change("pivot", "99912345600017", "99912345600025")
    edit = await opened(moderation, public_addresses=1, changes=[siret])
    assert found(moderation, edit.proposal_id)["you_may_decide"] is True
    assert decide(moderation, edit.proposal_id, "approve", {}).json()["state"] == "approved"

    other = await opened(moderation, public_addresses=1, changes=[siret])
    path = link(other.proposal_id, f"venue:{other.venue_id}")
    assert fill_in(moderation, path, {"choix": "accepter", "champs": ["pivot"]}).is_success
    there = found(moderation, other.proposal_id)
    assert (there["state"], there["decision"]["how"]) == ("approved", "manager")


async def test_links_to_a_domain_of_a_refused_case_are_held(moderation: System) -> None:
    host = f"arnaque-{now().timestamp():.0f}.example.org"
    site = change("site_web", ["https://ok.example.org"], [f"https://www.{host}/a"])
    first = await opened(moderation, changes=[site])
    assert found(moderation, first.proposal_id)["held"] == []
    decide(moderation, first.proposal_id, "refuse", {"motive": "advertising"})

    second = an_edit(changes=[NOM, site], proposed_at=now() - LONG_AGO)
    text = change("presentation_detail", "Ouvert.", f"Ouvert : voir http://{host}.")
    third = an_edit(changes=[NOM, text], proposed_at=now() - LONG_AGO)
    news = a_news(lien=f"https://{host}", proposed_at=now() - LONG_AGO)
    await tell(moderation, second, third, news)
    there = becomes(moderation, second.proposal_id, state="partly_approved")
    assert [one["rule"] for one in there["held"]] == ["refused_link"]
    assert there["refused_fields"] == ["site_web"]
    there = becomes(moderation, third.proposal_id, state="partly_approved")
    assert there["refused_fields"] == ["presentation_detail"]
    there = becomes(moderation, news.proposal_id, state="refused")
    assert [(one["rule"], one["fields"]) for one in there["held"]] == [("refused_link", [])]

    call = an_announcement(lien=f"https://{host}/appel")
    await tell(moderation, call)
    held = found(moderation, call.announcement_id)["held"]
    assert [one["rule"] for one in held] == ["refused_link"]


async def test_only_refused_links_count(moderation: System) -> None:
    stamp = f"{now().timestamp():.0f}"
    kept, gone = f"garde-{stamp}.example.org", f"parti-{stamp}.example.org"
    quoted, unanswered = f"cite-{stamp}.example.org", f"tu-{stamp}.example.org"
    site = change("site_web", [f"https://{gone}"], [f"https://{kept}"])
    edit = await opened(moderation, changes=[NOM, site])
    decide(moderation, edit.proposal_id, "approve", {"fields": ["site_web"], "reason": "Le nom."})
    # what a report complains of is no proposal
    report = a_report(text=f"Le site https://{quoted} ne marche plus.")
    await tell(moderation, report)
    found(moderation, report.report_id)
    assert decide(moderation, report.report_id, "refuse", {"reason": "Il marche."}).is_success
    # nobody has looked at what silence refused
    pivot = change("pivot", "1", f"https://{unanswered}")
    silent = an_edit(changes=[pivot], proposed_at=now() - LONG_AGO)
    await tell(moderation, silent)
    becomes(moderation, silent.proposal_id, state="refused")
    for host in (kept, gone, quoted, unanswered):
        again = await opened(moderation, changes=[change("site_web", None, [f"https://{host}"])])
        assert found(moderation, again.proposal_id)["held"] == [], host


async def test_a_better_text_is_weighed_again(moderation: System) -> None:
    siret = change("pivot", "99912345600017", "99912345600025")
    edit = await opened(moderation, public_addresses=1, changes=[NOM, siret])
    assert found(moderation, edit.proposal_id)["held"] != []
    improved = EditImproved(
        venue_id=edit.venue_id,
        proposal_id=edit.proposal_id,
        proposal_revision=2,
        improved_by="account:ada",
        improved_at=now(),
        changes=[NOM],
    )
    await tell(moderation, improved)
    there = becomes(moderation, edit.proposal_id, proposal_revision=2)
    assert (there["held"], there["you_may_decide"]) == ([], False)
    await week_ends(moderation, edit)
    becomes(moderation, edit.proposal_id, state="approved")
    [*_, approved] = await said(moderation, edit.proposal_id)
    assert approved.body["proposal_revision"] == 2


async def test_news_without_a_doubtful_link_follow_silence(moderation: System) -> None:
    news = a_news(proposed_at=now() - LONG_AGO)
    await opened_all(moderation, news)
    becomes(moderation, news.proposal_id, state="approved")
