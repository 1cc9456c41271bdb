"""Claims to manage a venue, and reports: never decided by silence."""

from shared.database import now
from shared.events.base import Evidence
from shared.events.directory import ManagementClaimed, VenueReported
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    BROWSER,
    MODERATOR,
    PROGRAM,
    a_claim,
    a_report,
    decide,
    fill_in,
    found,
    link,
    managed,
    said,
    somebody,
    timers,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.system import token


async def opened_claim(moderation: System, **values: object) -> ManagementClaimed:
    """A claim whose case is open."""
    claim = a_claim(**values)
    await tell(moderation, claim)
    found(moderation, claim.claim_id)
    return claim


async def opened_report(moderation: System) -> VenueReported:
    """A report whose case is open."""
    report = a_report()
    await tell(moderation, report)
    found(moderation, report.report_id)
    return report


async def test_moderators_decide_a_claim_where_nobody_is_in_charge(moderation: System) -> None:
    claim = await opened_claim(moderation)
    case = claim.claim_id
    there = found(moderation, case)
    assert (there["kind"], there["deadline"], there["departement"]) == ("claim", None, "26")
    assert (there["text"], there["venue_id"]) == ("J'y travaille.", claim.venue_id)
    assert await timers(moderation, case) == {}
    assert decide(moderation, case, "approve", {}).json()["state"] == "approved"
    review, approved = await said(moderation, case)
    assert (review.body["kind"], review.body["for_moderators"]) == ("claim", True)
    assert review.body["deadline"] is None
    assert (approved.type, approved.body["venue_id"]) == ("ClaimApproved", claim.venue_id)
    assert approved.body["author"]["account_id"] == claim.author.account_id
    # no proposal: it earns nothing
    me = token(claim.author.account_id, "user")
    assert moderation.get("moderation", "/contributors/me", as_=me)["accepted"] == 0


async def test_a_venue_that_can_be_reached_decides_its_claims(moderation: System) -> None:
    claim = await opened_claim(moderation, public_addresses=1)
    case, path = claim.claim_id, link(claim.claim_id, f"venue:{claim.venue_id}")
    page = moderation.call("GET", "moderation", path, headers=BROWSER).text
    assert "de devenir responsable de la fiche" in page
    assert "Ce que dit cette personne" in page
    assert 'name="champs"' not in page
    answer = fill_in(moderation, path, {"choix": "refuser", "motif": "Inconnu ici."})
    assert answer.status_code == 200, answer.text
    [_, refusal] = await said(moderation, case)
    assert (refusal.type, refusal.body["decision"]["how"]) == ("ClaimRefused", "manager")

    other = await opened_claim(moderation, public_addresses=1)
    path = link(other.claim_id, f"venue:{other.venue_id}")
    assert fill_in(moderation, path, {"choix": "accepter"}).status_code == 200
    assert found(moderation, other.claim_id)["state"] == "approved"

    # no deadline ends it, so moderators may answer in their place
    unread = await opened_claim(moderation, public_addresses=1)
    assert decide(moderation, unread.claim_id, "approve", {}).status_code == 200


async def test_those_who_decide_see_what_was_proved(moderation: System) -> None:
    accepted = now()
    proved = Evidence(
        charter="2026-1", charter_accepted_at=accepted, proof="mail", proved_at=accepted
    )
    claim = await opened_claim(moderation, public_addresses=1, evidence=proved)
    seen = found(moderation, claim.claim_id)["evidence"]
    assert (seen["charter"], seen["proof"]) == ("2026-1", "mail")
    path = link(claim.claim_id, f"venue:{claim.venue_id}")
    page = moderation.call("GET", "moderation", path, headers=BROWSER).text.replace("&#39;", "'")
    assert "L'adresse publique du lieu a répondu" in page
    assert "la charte du réseau (version 2026-1)" in page
    [review] = await said(moderation, claim.claim_id)
    assert review.body["evidence"]["proof"] == "mail"
    # claims from before the charter
    older = await opened_claim(moderation)
    assert found(moderation, older.claim_id)["evidence"] is None


async def test_a_manager_sees_and_decides_a_claim(moderation: System) -> None:
    claim = await opened_claim(moderation)
    await managed(moderation, claim.venue_id, 1, "ada-cl")
    manager = token("ada-cl", "user")
    assert found(moderation, claim.claim_id, manager)["you_may_decide"] is True
    assert decide(moderation, claim.claim_id, "approve", {}, manager).status_code == 200


async def test_a_claim_is_not_for_strangers_nor_for_its_author_to_decide(
    moderation: System,
) -> None:
    claim = await opened_claim(moderation)
    case, author = claim.claim_id, token(claim.author.account_id, "moderator")
    assert found(moderation, case, author)["your_role"] == "author"
    async with nothing_written(moderation, "moderation"):
        answer = moderation.call("GET", "moderation", f"/cases/{case}", as_=somebody())
        refused(answer, 404, "case-not-found")
        refused(decide(moderation, case, "approve", {}, somebody()), 404, "case-not-found")
        refused(decide(moderation, case, "approve", {}, author), 403, "own-proposal")


async def test_reports_are_for_moderators(moderation: System) -> None:
    upheld, dismissed = await opened_report(moderation), await opened_report(moderation)
    there = found(moderation, upheld.report_id)
    assert (there["kind"], there["deadline"]) == ("report", None)
    assert there["about"] == f"venue:{upheld.venue_id}"
    await managed(moderation, upheld.venue_id, 1, "ada-re")
    manager, by_link = token("ada-re", "user"), link(upheld.report_id, "account:ada-re")
    case = upheld.report_id
    async with nothing_written(moderation, "moderation"):
        refused(decide(moderation, case, "approve", {}, manager), 404, "case-not-found")
        for path in (by_link, link(case, f"venue:{upheld.venue_id}")):
            answer = moderation.call("GET", "moderation", path, headers=PROGRAM)
            refused(answer, 403, "not-a-decider")
            refused(fill_in(moderation, path, {"choix": "accepter"}, PROGRAM), 403, "not-a-decider")
            written = fill_in(moderation, f"{path}/message", {"texte": "Non."}, PROGRAM)
            refused(written, 403, "not-a-decider")
    author = token(upheld.author.account_id, "user")
    assert found(moderation, case, author)["your_role"] == "author"

    assert decide(moderation, case, "approve", {}, MODERATOR).status_code == 200
    answer = decide(moderation, dismissed.report_id, "refuse", {"motive": "not_verified"})
    assert answer.status_code == 200
    [_, event] = await said(moderation, case)
    assert (event.type, event.body["about"]) == ("ReportUpheld", f"venue:{upheld.venue_id}")
    [_, event] = await said(moderation, dismissed.report_id)
    assert (event.type, event.body["decision"]["how"]) == ("ReportDismissed", "moderator")
