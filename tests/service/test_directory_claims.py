"""Claims to manage a sheet over HTTP: the charter, the proofs, the page behind the mail's link."""

import datetime as dt
from typing import Any

import httpx
import pytest

from shared.database import now
from shared.events.contacts import digest
from shared.events.directory import ClaimProofEnded
from shared.links import ClaimLink, DecisionLink, Links
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import refused, refused_on_a_page
from tests.harness.rows import nothing_written, rows
from tests.harness.stories import BROWSER, MODERATOR, Person, new_venue
from tests.harness.system import LINK_KEY, token
from tests.harness.venues import SAMPLE

CHARTER = "2026-1"
TEXT = "Je dirige cette médiathèque."
SIRET = SAMPLE["pivot"]


def claim(system: System, venue: str, as_: str | None, **said: Any) -> httpx.Response:
    body = {"text": TEXT, "charter": CHARTER, **said}
    body = {name: value for name, value in body.items() if value is not None}
    return system.call("POST", "directory", f"/venues/{venue}/claims", as_=as_, json=body)


def claimed(system: System, venue: str, as_: str, **said: Any) -> Any:
    answer = claim(system, venue, as_, **said)
    assert answer.status_code == 202, answer.text
    return answer.json()


def read(system: System, venue: str, case: str, as_: str = MODERATOR) -> Any:
    return system.get("directory", f"/venues/{venue}/claims/{case}", as_=as_)


def link(case: str, venue: str, ends_in: dt.timedelta = dt.timedelta(days=1)) -> str:
    """A link as notifications signs it; its path."""
    allowed = ClaimLink(case, f"venue:{venue}", now() + ends_in)
    return f"/responsable/{Links(LINK_KEY).sign(allowed)}"


def show(system: System, path: str) -> httpx.Response:
    return system.call("GET", "directory", path, headers=BROWSER)


def reply(system: System, path: str, answer: str, headers: Any = BROWSER) -> httpx.Response:
    return system.call("POST", "directory", path, data={"reponse": answer}, headers=headers)


def manage(system: System, venue: str, person: Person) -> None:
    path = f"/venues/{venue}/managers/{person.id}"
    assert system.call("PUT", "directory", path, as_=MODERATOR).is_success


def edit(system: System, venue: str, person: Person) -> str:
    """Whether an edit is a manager's, as its event says."""
    body = {"base_revision": 1, "changes": {"horaires": "Mo-Sa 10:00-18:00"}}
    return str(system.post("directory", f"/venues/{venue}/edits", body, as_=person.token)["id"])


def test_the_charter_is_for_everybody_to_read(directory: System) -> None:
    charter = directory.get("directory", "/charter")
    assert (charter["version"], charter["versions"][-1]) == (CHARTER, CHARTER)
    assert dt.date.fromisoformat(charter["date"]) <= now().date()
    assert all(one["titre"] and one["texte"] for one in charter["engagements"])


async def test_the_charter_comes_first(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("nour")
    async with nothing_written(directory, "directory"):
        for version in (None, "1999-1"):
            answer = claim(directory, venue, person.token, charter=version)
            body = refused(answer, 409, "charter-not-accepted")
            assert (body["current"], body["read_at"]) == (CHARTER, "/charter")
    claimed(directory, venue, person.token)
    mine = directory.get("directory", "/charter/acceptances/me", as_=person.token)
    [accepted] = mine["items"]
    assert (accepted["venue_id"], accepted["version"]) == (venue, CHARTER)
    assert dt.datetime.fromisoformat(accepted["accepted_at"]) <= now()
    assert mine["to_accept"] == []


async def test_a_manager_accepts_the_charter_later(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("mia")
    manage(directory, venue, person)

    def missing() -> Any:
        path = "/charter/acceptances/me"
        return directory.get("directory", path, as_=person.token)["to_accept"]

    assert missing() == [venue]
    accepted = {"venue_id": venue, "version": CHARTER}
    stranger = token("stranger", "user")
    async with nothing_written(directory, "directory"):
        for as_, body, status, kind in (
            (stranger, accepted, 403, "charter-for-managers"),
            (person.token, {**accepted, "version": "0"}, 409, "charter-not-accepted"),
            (person.token, {**accepted, "venue_id": "absent"}, 404, "venue-not-found"),
            (None, accepted, 401, "not-authenticated"),
        ):
            path = "/charter/acceptances"
            refused(directory.call("POST", "directory", path, as_=as_, json=body), status, kind)
    directory.post("directory", "/charter/acceptances", accepted, as_=person.token)
    assert missing() == []


async def test_proved_by_the_public_address(directory: System) -> None:
    venue, address = new_venue(directory)
    person = Person("nour")
    proofs = directory.get("directory", f"/venues/{venue}/claim-proofs", as_=person.token)
    assert (proofs["charter"], proofs["siret"], proofs["managed"]) == (CHARTER, False, False)
    [offered] = proofs["mail"]
    assert (offered["masked"], offered["proves"]) == ("a…@lieu.example.org", True)

    made = claimed(directory, venue, person.token, proof="mail", address=offered["id"])
    assert (made["state"], made["sent_to"]) == ("waiting_proof", "a…@lieu.example.org")
    assert made["mails_left"] == 2
    asked = (await published(directory, "directory", venue, 1))[0]
    assert asked.type == "ClaimProofRequested"
    assert asked.body["recipient"] == digest(made["case_id"], address)
    assert address not in str(asked.body)

    path = link(made["case_id"], venue)
    page = show(directory, path)
    assert page.status_code == 200
    assert TEXT in page.text
    assert "Rien n'est encore décidé" in page.text.replace("&#39;", "'")
    assert page.headers["referrer-policy"] == "no-referrer"
    # a mail scanner follows every link, and decides nothing
    assert read(directory, venue, made["case_id"], person.token)["state"] == "waiting_proof"
    assert reply(directory, path, "oui").status_code == 200
    after = read(directory, venue, made["case_id"], person.token)
    assert (after["state"], after["decided_as"]) == ("approved", "mail")
    assert after["proved_at"]
    assert (after["charter"], after["charter_accepted_at"]) == (CHARTER, after["claimed_at"])

    edit(directory, venue, person)
    events = await published(directory, "directory", venue, 4)
    assert [one.type for one in events] == [
        "ClaimProofRequested", "VenueManagersChanged", "ClaimProved", "EditProposed",
    ]  # fmt: skip
    assert events[1].body["managers"] == [person.id]
    assert events[3].body["author_is_manager"] is True

    # the link counts once
    assert "déjà" in reply(directory, path, "non").text
    refused(reply(directory, path, "non", {}), 409, "claim-over")
    assert "Il n'y a plus rien à faire" in show(directory, path).text.replace("&#39;", "'")


async def test_the_public_address_does_not_know_them(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("odile")
    made = claimed(directory, venue, person.token, proof="mail")
    answer = reply(directory, link(made["case_id"], venue), "non")
    assert "ne gérera pas" in answer.text
    asked, disowned = await published(directory, "directory", venue, 2)
    assert (asked.type, disowned.type) == ("ClaimProofRequested", "ClaimDisowned")
    assert read(directory, venue, made["case_id"])["state"] == "disowned"


async def test_links_that_are_worth_nothing(directory: System) -> None:
    venue, _ = new_venue(directory)
    other, _ = new_venue(directory)
    person = Person("paul")
    case = claimed(directory, venue, person.token, proof="mail")["case_id"]
    good = link(case, venue)
    decision = Links(LINK_KEY).sign(
        DecisionLink(case, f"venue:{venue}", now() + dt.timedelta(days=1))
    )
    foreign = Links("another-link-key-of-at-least-32-characters").sign(
        ClaimLink(case, f"venue:{venue}", now() + dt.timedelta(days=1))
    )
    async with nothing_written(directory, "directory"):
        for path, status, kind in (
            (link(case, venue, -dt.timedelta(seconds=1)), 410, "link-expired"),
            (f"{good[:-4]}AAAA", 400, "link-forged"),
            (f"/responsable/{decision}", 400, "link-forged"),
            (f"/responsable/{foreign}", 400, "link-forged"),
            ("/responsable/rien", 400, "link-forged"),
            (link(case, other), 404, "claim-not-found"),
            (link("absent", venue), 404, "claim-not-found"),
        ):
            refused(directory.call("GET", "directory", path), status, kind)
            refused(reply(directory, path, "oui", {}), status, kind)
        refused(reply(directory, good, "peut-être", {}), 422, "invalid-input")
        refused(directory.call("POST", "directory", good), 422, "invalid-input")
        page = show(directory, link(case, venue, -dt.timedelta(seconds=1)))
        refused_on_a_page(page, 410, "Ce lien n'est plus valable")
        refused_on_a_page(reply(directory, good, "peut-être"), 422, "Revenir à la page précédente")


async def test_the_mail_is_sent_again_but_not_at_once(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("rita")
    case = claimed(directory, venue, person.token, proof="mail")["case_id"]
    path = f"/venues/{venue}/claims/{case}/mails"
    async with nothing_written(directory, "directory"):
        answer = directory.call("POST", "directory", path, as_=person.token)
        refused(answer, 429, "too-many-mails")
        assert 0 < int(answer.headers["retry-after"]) <= 600
        refused(directory.call("POST", "directory", path, as_=MODERATOR), 403, "not-allowed")
        stranger = token("stranger", "user")
        refused(directory.call("POST", "directory", path, as_=stranger), 404, "claim-not-found")


async def test_nobody_has_answered(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("sam")
    made = claimed(directory, venue, person.token, proof="mail")
    [timer] = await rows(
        directory, "directory", "outbox", _id=f"claim-proof:{made['case_id']}", timer=True
    )
    assert timer["due_at"] == dt.datetime.fromisoformat(made["expires_at"])
    ended = ClaimProofEnded(venue_id=venue, claim_id=made["case_id"], ends_at=timer["due_at"])
    await tell(directory, ended)
    eventually(lambda: read(directory, venue, made["case_id"])["state"] == "lapsed")
    events = await published(directory, "directory", venue, 3)
    assert "ClaimLapsed" in [one.type for one in events]


async def test_proved_by_the_siret_that_the_identity_provider_gives(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("tom")
    at_siret = token(person.id, "user", email=person.email, siret=SIRET)
    proofs = directory.get("directory", f"/venues/{venue}/claim-proofs", as_=at_siret)
    assert proofs["siret"] is True
    made = claimed(directory, venue, at_siret, proof="siret")
    assert (made["state"], made["decided_as"]) == ("approved", "siret")
    managers, proved = await published(directory, "directory", venue, 2)
    assert managers.body["managers"] == [person.id]
    assert (proved.type, proved.body["proof"]) == ("ClaimProved", "siret")


async def test_a_siret_that_proves_nothing(directory: System) -> None:
    venue, _ = new_venue(directory)
    unknown, _ = new_venue(directory, pivot="00000000000000")
    person = Person("uma")
    none = token(person.id, "user", siret="00000000000000")
    other = token(person.id, "user", siret="99912345600025")
    async with nothing_written(directory, "directory"):
        for where, as_, why in (
            (venue, person.token, "no_verified_siret"),
            (venue, other, "other_siret"),
            (venue, token(person.id, siret=12), "no_verified_siret"),
            (unknown, none, "no_siret_on_sheet"),
        ):
            body = refused(claim(directory, where, as_, proof="siret"), 409, "proof-impossible")
            assert body["why"] == why
        # nobody chooses it
        answer = claim(directory, venue, person.token, proof="siret", siret=SIRET)
        refused(answer, 422, "invalid-input", ("siret", "extra_forbidden"))


async def test_where_somebody_manages_the_venue_a_proof_is_for_them(directory: System) -> None:
    venue, _ = new_venue(directory)
    person, manager = Person("vera"), Person("ada")
    manage(directory, venue, manager)
    at_siret = token(person.id, "user", siret=SIRET)
    made = claimed(directory, venue, at_siret, proof="siret")
    assert made["state"] == "waiting_decision"
    _, asked = await published(directory, "directory", venue, 2)
    assert (asked.type, asked.body["evidence"]["proof"]) == ("ManagementClaimed", "siret")
    seen = directory.get("directory", f"/venues/{venue}/claims", as_=manager.token)
    [listed] = seen["items"]
    assert (listed["author"]["account_id"], listed["charter"]) == (person.id, CHARTER)
    [accepted] = seen["acceptances"]
    assert (accepted["account_id"], accepted["version"]) == (person.id, CHARTER)
    answer = directory.call("GET", "directory", f"/venues/{venue}/claims", as_=at_siret)
    refused(answer, 403, "not-allowed")
    answer = directory.call("GET", "directory", f"/venues/{venue}/claims/absent", as_=at_siret)
    refused(answer, 404, "claim-not-found")


async def test_claims_that_cannot_be(directory: System) -> None:
    venue, _ = new_venue(directory)
    mute, _ = new_venue(directory, courriels="")
    several, _ = new_venue(directory, courriels="a1@lieu.example.org|b1@lieu.example.org")
    person, waiting = Person("will"), Person("xena")
    first = claimed(directory, venue, waiting.token, proof="mail")
    async with nothing_written(directory, "directory"):
        for where, as_, said, status, kind in (
            (venue, waiting.token, {"proof": "mail"}, 409, "claim-waiting"),
            (mute, person.token, {"proof": "mail"}, 409, "proof-impossible"),
            (several, person.token, {"proof": "mail"}, 409, "proof-impossible"),
            (venue, person.token, {"proof": "mail", "address": "0"}, 409, "proof-impossible"),
            (venue, person.token, {"proof": "fax"}, 422, "invalid-input"),
            ("absent", person.token, {}, 404, "venue-not-found"),
            (venue, None, {}, 401, "not-authenticated"),
        ):
            refused(claim(directory, where, as_, **said), status, kind)
    # whoever waits for a mail may ask people instead
    claimed(directory, venue, waiting.token)
    assert read(directory, venue, first["case_id"])["state"] == "replaced"


@pytest.mark.parametrize("path", ["claims", "claim-proofs", "claims/absent"])
def test_claims_are_for_who_is_signed_in(directory: System, path: str) -> None:
    venue, _ = new_venue(directory)
    refused(directory.call("GET", "directory", f"/venues/{venue}/{path}"), 401, "not-authenticated")


def test_the_page_does_not_promise_what_moderators_will_decide(directory: System) -> None:
    venue, _ = new_venue(directory)
    nour = Person("nour")
    first = claimed(directory, venue, nour.token, proof="mail")["case_id"]
    assert reply(directory, link(first, venue), "non").status_code == 200
    path = link(claimed(directory, venue, nour.token, proof="mail")["case_id"], venue)
    page = show(directory, path).text
    assert "c'est l'équipe de modération qui décidera" in page
    assert "tout de suite" not in page
    answered = reply(directory, path, "oui").text
    assert "C'est l'équipe de modération qui décide maintenant" in answered
    assert "déjà une personne responsable" not in answered
