"""Claims to manage a sheet: the charter first, what proves what, who answers, how often."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.directory.domain.charter import CHARTERS, CURRENT, CharterNotAccepted, NothingToAccept
from services.directory.domain.claims import (
    MOST_MAILS_TO_A_VENUE,
    NO_SIRET,
    PAUSE,
    SETTLED,
    TIME_TO_ANSWER,
    Claim,
    ClaimNotFound,
    ClaimOver,
    ClaimWaiting,
    ProofImpossible,
    TooManyMails,
    address_id,
    masked,
    settled_addresses,
)
from services.directory.domain.proposals import AlreadyManager
from services.directory.domain.venues import Revision, Venue, VenueNotFound
from services.directory.handlers import HANDLERS
from services.directory.store.venues import Venues
from services.directory.use_cases import claims
from services.directory.use_cases.claims import Wish
from shared.auth import Account
from shared.errors import NotAllowed
from shared.events import Author, Event, FieldValue
from shared.events.contacts import AccountContactChanged, digest
from shared.events.directory import (
    ClaimDisowned,
    ClaimLapsed,
    ClaimProofEnded,
    ClaimProofRequested,
    ClaimProved,
    ManagementClaimed,
    VenueManagersChanged,
)
from shared.events.moderation import ClaimApproved, ClaimRefused, Decision, ProposalWithdrawn
from shared.links import ClaimLink
from tests.unit.directory_venues import (
    ADDRESS,
    FICHE,
    LONG_AGO,
    MODERATOR,
    NOUR,
    NOW,
    SIRET,
    a_venue,
    memory_with,
    revision,
)
from tests.unit.moderation_memory import Memory, MemoryTransaction

OTHER = "mairie@lieu.example.org"
AT_SIRET = Account("nour", name="Nour", siret=SIRET)


def wish(proof: Any = "moderator", **said: Any) -> Wish:
    return Wish(**{"text": "J'y travaille.", "charter": CURRENT.version, "proof": proof, **said})


def claim(
    memory: Memory, wanted: Wish, account: Account = NOUR, now: datetime = NOW
) -> tuple[Claim, list[Event]]:
    return memory.run(lambda tx: claims.claim(tx, account, "v1", wanted), now)


def answer(memory: Memory, made: Claim, *, known: bool, now: datetime = NOW) -> list[Event]:
    link = ClaimLink(made.id, "venue:v1", NOW + TIME_TO_ANSWER)
    _, events = memory.run(lambda tx: claims.answer_by_link(tx, link, known=known), now)
    return events


def kept(memory: Memory, made: Claim) -> Claim:
    found, _ = memory.run(lambda tx: claims.get_claim(tx, MODERATOR, "v1", made.id), NOW)
    return found


def managers(memory: Memory, venue_id: str = "v1") -> list[str]:
    async def look(tx: MemoryTransaction) -> Venue | None:
        return await Venues(tx).get(venue_id)

    venue = memory.look(look)
    assert venue
    return venue.managers


def handled(memory: Memory, event: Event) -> list[Event]:
    _, events = memory.run(lambda tx: HANDLERS[type(event)](event, tx), NOW)
    return events


def types(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


class TestCharter:
    @pytest.mark.parametrize("version", [None, "2025-9", ""])
    def test_comes_first(self, version: str | None) -> None:
        memory = memory_with(a_venue())
        with pytest.raises(CharterNotAccepted) as refusal:
            claim(memory, wish(charter=version))
        assert refusal.value.extra == {"current": CURRENT.version, "read_at": "/charter"}

    def test_is_kept_dated_and_versioned(self) -> None:
        memory = memory_with(a_venue())
        claim(memory, wish())
        (accepted, missing), _ = memory.run(lambda tx: claims.accepted_by(tx, NOUR), NOW)
        assert [(one.venue_id, one.version, one.accepted_at) for one in accepted] == [
            ("v1", CURRENT.version, NOW)
        ]
        assert missing == []

    def test_a_manager_accepts_a_new_version_for_what_they_manage(self) -> None:
        memory = memory_with(a_venue("nour"), a_venue("nour", id="v2"), a_venue(id="v3"))

        async def accept(tx: MemoryTransaction) -> object:
            return await claims.accept_charter(tx, NOUR, "v2", CURRENT.version)

        memory.run(accept, NOW)
        (_, missing), _ = memory.run(lambda tx: claims.accepted_by(tx, NOUR), NOW)
        assert missing == ["v1"]
        with pytest.raises(CharterNotAccepted):
            memory.run(lambda tx: claims.accept_charter(tx, NOUR, "v1", "2025-9"), NOW)
        with pytest.raises(NothingToAccept):
            memory.run(lambda tx: claims.accept_charter(tx, NOUR, "v3", CURRENT.version), NOW)

    def test_versions_are_apart_and_in_order(self) -> None:
        versions = [one.version for one in CHARTERS]
        assert len(set(versions)) == len(versions)
        assert [one.date for one in CHARTERS] == sorted(one.date for one in CHARTERS)


class TestAddresses:
    """Which public addresses prove that somebody speaks for a venue."""

    @pytest.mark.parametrize(
        ("history", "proves"),
        [
            ([], True),
            ([revision(1, NOW, None, [ADDRESS])], True),
            ([revision(2, NOW - SETTLED, None, [ADDRESS])], True),
            ([revision(2, NOW - SETTLED + timedelta(seconds=1), None, [ADDRESS])], False),
            ([revision(2, LONG_AGO, None, [ADDRESS], by="account:nour", how="silence")], False),
            ([revision(2, LONG_AGO, None, [ADDRESS], by="account:max", how="silence")], True),
            (
                [
                    revision(
                        2, LONG_AGO, None, [ADDRESS], by="account:max", how="manager",
                        improved_by="account:nour",
                    )
                ],
                False,
            ),
            (
                [
                    revision(1, LONG_AGO, None, [ADDRESS]),
                    revision(2, NOW - SETTLED, [ADDRESS], [OTHER]),
                    # put back a moment ago
                    revision(3, NOW, [OTHER], [ADDRESS]),
                ],
                False,
            ),
            (
                [
                    revision(1, LONG_AGO, None, [ADDRESS]),
                    # another one came, this one stayed
                    revision(2, NOW, [ADDRESS], [ADDRESS.upper(), OTHER], by="account:nour"),
                ],
                True,
            ),
        ],
    )  # fmt: skip
    def test_one(self, history: list[Revision], proves: bool) -> None:
        settled = settled_addresses(FICHE, history, "nour", NOW)
        assert settled == ([ADDRESS] if proves else [])

    @pytest.mark.parametrize(
        ("address", "shown"),
        [("contact@ville.fr", "c…@ville.fr"), ("c@ville.fr", "…@ville.fr")],
    )
    def test_are_masked(self, address: str, shown: str) -> None:
        assert masked(address) == shown

    def test_are_offered_masked_with_what_they_prove(self) -> None:
        history = [revision(2, NOW, [ADDRESS], [ADDRESS, OTHER])]
        memory = memory_with(a_venue(courriels=[ADDRESS, OTHER]), history=history)
        proofs, _ = memory.run(lambda tx: claims.claim_proofs(tx, AT_SIRET, "v1"), NOW)
        assert [(one.masked, one.proves) for one in proofs.addresses] == [
            ("a…@lieu.example.org", True),
            ("m…@lieu.example.org", False),
        ]
        assert (proofs.siret, proofs.managed) == (True, False)
        assert ADDRESS not in repr(proofs)


class TestByMail:
    def test_the_address_is_asked_and_named_by_a_digest_alone(self) -> None:
        memory = memory_with(a_venue())
        made, events = claim(memory, wish("mail"))
        [contact, asked] = events
        assert isinstance(contact, AccountContactChanged)
        assert isinstance(asked, ClaimProofRequested)
        assert asked.recipient == digest(made.id, ADDRESS)
        assert ADDRESS not in asked.model_dump_json()
        assert (made.state, made.sent_to) == ("waiting_proof", "a…@lieu.example.org")
        timer, at = memory.timers[f"claim-proof:{made.id}"]
        assert isinstance(timer, ClaimProofEnded)
        assert at == made.expires_at == NOW + TIME_TO_ANSWER
        assert managers(memory) == []

    def test_yes_makes_a_manager_once(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        events = answer(memory, made, known=True)
        assert types(events) == ["VenueManagersChanged", "ClaimProved"]
        assert managers(memory) == ["nour"]
        after = kept(memory, made)
        assert (after.state, after.decided_as, after.decided_by) == ("approved", "mail", "venue:v1")
        assert (after.proved_at, after.evidence.proof) == (NOW, "mail")
        assert f"claim-proof:{made.id}" not in memory.timers
        for known in (True, False):
            with pytest.raises(ClaimOver):
                answer(memory, made, known=known)

    def test_no_closes_it_and_another_way_is_open(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        [disowned] = answer(memory, made, known=False)
        assert isinstance(disowned, ClaimDisowned)
        assert (kept(memory, made).state, managers(memory)) == ("disowned", [])
        _, events = claim(memory, wish())
        assert types(events) == ["AccountContactChanged", "ManagementClaimed"]

    def test_where_somebody_manages_they_decide_with_the_proof(self) -> None:
        memory = memory_with(a_venue("ada"))
        made, events = claim(memory, wish("mail"))
        assert isinstance(events[-1], ClaimProofRequested)
        assert events[-1].managed
        [asked] = answer(memory, made, known=True)
        assert isinstance(asked, ManagementClaimed)
        assert asked.evidence
        assert (asked.evidence.proof, asked.evidence.proved_at) == ("mail", NOW)
        assert asked.evidence.charter == CURRENT.version
        assert managers(memory) == ["ada"]
        assert kept(memory, made).state == "waiting_decision"
        with pytest.raises(ClaimOver):
            answer(memory, made, known=True)

    def test_two_who_prove_it_the_second_is_for_the_first_to_decide(self) -> None:
        memory = memory_with(a_venue())
        first, _ = claim(memory, wish("mail"))
        second, _ = claim(memory, wish("mail"), Account("max"))
        answer(memory, first, known=True)
        assert types(answer(memory, second, known=True)) == ["ManagementClaimed"]
        assert managers(memory) == ["nour"]

    def test_of_several_one_is_chosen(self) -> None:
        memory = memory_with(a_venue(courriels=[ADDRESS, OTHER]))
        with pytest.raises(ProofImpossible) as refusal:
            claim(memory, wish("mail"))
        assert refusal.value.extra == {"why": "choose"}
        made, _ = claim(memory, wish("mail", address=address_id("v1", OTHER)))
        assert made.recipient == digest(made.id, OTHER)

    @pytest.mark.parametrize(
        ("fiche", "history", "address", "why"),
        [
            ({"courriels": None}, [], None, "no_address"),
            ({}, [], "0" * 12, "unknown_address"),
            ({}, [revision(2, NOW, None, [ADDRESS])], None, "recent_address"),
            (
                {"courriels": [ADDRESS, OTHER]},
                [revision(2, NOW, [ADDRESS], [ADDRESS, OTHER])],
                address_id("v1", OTHER),
                "recent_address",
            ),
        ],
    )
    def test_what_cannot_prove(
        self, fiche: dict[str, Any], history: list[Revision], address: str | None, why: str
    ) -> None:
        memory = memory_with(a_venue(**fiche), history=history)
        with pytest.raises(ProofImpossible) as refusal:
            claim(memory, wish("mail", address=address))
        assert refusal.value.extra == {"why": why}
        assert memory.published == []

    def test_an_address_that_has_left_the_sheet_answers_for_nobody(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        gone = memory_with(a_venue(courriels=[OTHER]))
        memory.rows["venues"] = gone.rows["venues"]
        with pytest.raises(ProofImpossible):
            answer(memory, made, known=True)

    def test_a_link_of_another_venue_or_claim(self) -> None:
        memory = memory_with(a_venue(), a_venue(id="v2"))
        made, _ = claim(memory, wish("mail"))
        for case, holder in ((made.id, "venue:v2"), ("absent", "venue:v1"), (made.id, "account:x")):
            link = ClaimLink(case, holder, NOW + TIME_TO_ANSWER)
            with pytest.raises(ClaimNotFound):
                memory.run(lambda tx, link=link: claims.claim_by_link(tx, link), NOW)  # type: ignore[misc]

    def test_silence_ends_it_and_its_author_is_told(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        late = NOW + TIME_TO_ANSWER
        with pytest.raises(ClaimOver):
            answer(memory, made, known=True, now=late)
        timer, _ = memory.timers[f"claim-proof:{made.id}"]
        [lapsed] = handled(memory, timer)
        assert isinstance(lapsed, ClaimLapsed)
        assert kept(memory, made).state == "lapsed"
        # a timer that comes twice, or after an answer
        assert handled(memory, timer) == []

    def test_after_its_end_another_one_may_be_made_though_its_timer_is_late(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        claim(memory, wish("mail"), now=NOW + TIME_TO_ANSWER)
        assert kept(memory, made).state == "lapsed"


class TestMails:
    """How often a venue's address is written to."""

    def again(self, memory: Memory, made: Claim, now: datetime, by: Account = NOUR) -> list[Event]:
        _, events = memory.run(lambda tx: claims.send_again(tx, by, "v1", made.id), now)
        return events

    def test_three_for_a_claim_with_pauses(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        with pytest.raises(TooManyMails) as refusal:
            self.again(memory, made, NOW + PAUSE - timedelta(seconds=5))
        assert refusal.value.headers == {"Retry-After": "6"}
        for number in (2, 3):
            [sent] = self.again(memory, made, NOW + PAUSE * (number - 1))
            assert isinstance(sent, ClaimProofRequested)
            assert (sent.number, sent.expires_at) == (number, NOW + TIME_TO_ANSWER)
        with pytest.raises(TooManyMails):
            self.again(memory, made, NOW + PAUSE * 9)

    def test_only_its_author_has_it_sent_and_only_while_it_waits(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        with pytest.raises(NotAllowed):
            self.again(memory, made, NOW + PAUSE, MODERATOR)
        with pytest.raises(ClaimNotFound):
            self.again(memory, made, NOW + PAUSE, Account("max"))
        answer(memory, made, known=False)
        with pytest.raises(ClaimOver):
            self.again(memory, made, NOW + PAUSE)

    def test_ten_a_week_for_a_venue_whoever_asks(self) -> None:
        memory = memory_with(a_venue())
        for number in range(MOST_MAILS_TO_A_VENUE):
            claim(memory, wish("mail"), Account(f"somebody-{number}"))
        with pytest.raises(TooManyMails):
            claim(memory, wish("mail"))
        claim(memory, wish("mail"), now=NOW + TIME_TO_ANSWER)


class TestBySiret:
    def test_the_sheets_own_makes_a_manager_at_once(self) -> None:
        memory = memory_with(a_venue())
        made, events = claim(memory, wish("siret"), AT_SIRET)
        assert types(events) == ["VenueManagersChanged", "ClaimProved"]
        proved = events[-1]
        assert isinstance(proved, ClaimProved)
        assert (proved.proof, proved.public_addresses) == ("siret", 1)
        assert isinstance(events[0], VenueManagersChanged)
        assert (made.state, made.decided_as, managers(memory)) == ("approved", "siret", ["nour"])

    def test_where_somebody_manages_they_decide_with_the_proof(self) -> None:
        memory = memory_with(a_venue("ada"))
        _, [asked] = claim(memory, wish("siret"), AT_SIRET)
        assert isinstance(asked, ManagementClaimed)
        assert asked.evidence
        assert asked.evidence.proof == "siret"
        # whoever reads the public address has no say over a manager
        assert asked.public_addresses == 0
        assert managers(memory) == ["ada"]

    def test_one_siret_for_several_venues(self) -> None:
        memory = memory_with(a_venue(), a_venue(id="v2"))

        async def claim_both(tx: MemoryTransaction) -> list[Claim]:
            return [
                await claims.claim(tx, AT_SIRET, venue, wish("siret")) for venue in ("v1", "v2")
            ]

        made, _ = memory.run(claim_both, NOW)
        assert [one.state for one in made] == ["approved", "approved"]

    @pytest.mark.parametrize(
        ("pivot", "siret", "why"),
        [
            (NO_SIRET, NO_SIRET, "no_siret_on_sheet"),
            ("W751234567", "W751234567", "no_siret_on_sheet"),
            (SIRET, None, "no_verified_siret"),
            (SIRET, "99912345600025", "other_siret"),
        ],
    )
    def test_what_does_not_match(self, pivot: str, siret: str | None, why: str) -> None:
        memory = memory_with(a_venue(pivot=pivot))
        with pytest.raises(ProofImpossible) as refusal:
            claim(memory, wish("siret"), Account("nour", siret=siret))
        assert refusal.value.extra == {"why": why}
        assert managers(memory) == []


class TestAnsweredBefore:
    """What somebody has taken away is not taken back by a proof."""

    def gone(self, memory: Memory) -> None:
        """Moderators take the sheet from its managers."""
        memory.rows["venues"] = memory_with(a_venue()).rows["venues"]

    @pytest.mark.parametrize("proof", ["mail", "siret"])
    def test_who_managed_it_once(self, proof: str) -> None:
        memory = memory_with(a_venue())
        claim(memory, wish("siret"), AT_SIRET)
        self.gone(memory)
        made, events = claim(memory, wish(proof), AT_SIRET)
        asked = answer(memory, made, known=True)[-1] if proof == "mail" else events[-1]
        assert isinstance(asked, ManagementClaimed)
        assert (asked.public_addresses, managers(memory)) == (0, [])
        # others are not meant
        other, _ = claim(memory, wish("siret"), Account("max", siret=SIRET))
        assert other.state == "approved"

    def test_whom_the_public_address_does_not_know(self) -> None:
        memory = memory_with(a_venue())
        first, _ = claim(memory, wish("mail"))
        answer(memory, first, known=False)
        made, [asked] = claim(memory, wish("siret"), AT_SIRET)
        assert isinstance(asked, ManagementClaimed)
        assert (asked.public_addresses, made.state) == (0, "waiting_decision")


class TestByPeople:
    def test_they_see_that_nothing_was_proved(self) -> None:
        memory = memory_with(a_venue())
        _, events = claim(memory, wish())
        asked = events[-1]
        assert isinstance(asked, ManagementClaimed)
        assert asked.evidence
        assert (asked.evidence.proof, asked.evidence.charter_accepted_at) == (None, NOW)
        assert asked.public_addresses == 1

    def test_an_address_that_was_asked_often_is_asked_no_more(self) -> None:
        memory = memory_with(a_venue())
        claim(memory, wish("mail"), Account("somebody"))
        asked = [claim(memory, wish(), Account(f"number-{number}")) for number in range(10)]
        public = [
            event.public_addresses
            for _, events in asked
            for event in events
            if isinstance(event, ManagementClaimed)
        ]
        assert public == [1] * (MOST_MAILS_TO_A_VENUE - 1) + [0]
        with pytest.raises(TooManyMails):
            claim(memory, wish("mail"))

    def test_no_address_decides_that_the_claimant_has_put_there(self) -> None:
        history = [revision(2, LONG_AGO, [ADDRESS], [ADDRESS, OTHER], by="account:nour")]
        memory = memory_with(a_venue(courriels=[ADDRESS, OTHER]), history=history)
        _, events = claim(memory, wish())
        asked = events[-1]
        assert isinstance(asked, ManagementClaimed)
        assert asked.public_addresses == 0

    @pytest.mark.parametrize(
        ("event", "state"), [(ClaimApproved, "approved"), (ClaimRefused, "refused")]
    )
    def test_their_answer_is_noted(
        self, event: type[ClaimApproved] | type[ClaimRefused], state: str
    ) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish())
        decision = Decision(how="moderator", by="account:mo", at=NOW, reason="Vu.")
        decided = event(
            case_id=made.id, revision=2, author=Author(account_id="nour"), title="", venue_id="v1",
            decision=decision,
        )  # fmt: skip
        handled(memory, decided)
        after = kept(memory, made)
        assert (after.state, after.decided_as, after.decided_by) == (
            state, "moderator", "account:mo",
        )  # fmt: skip
        assert managers(memory) == (["nour"] if state == "approved" else [])
        # of a claim that is older than this record
        handled(memory, decided.model_copy(update={"case_id": "older"}))

    def test_its_author_may_withdraw_it(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish())
        withdrawn = ProposalWithdrawn(
            case_id=made.id, revision=2, kind="claim", title="", author=made.author,
            withdrawn_at=NOW,
        )  # fmt: skip
        handled(memory, withdrawn)
        assert kept(memory, made).state == "withdrawn"


class TestAfterAMerge:
    """The venue that is claimed is one with another by now, `v2`."""

    def merged(self, courriels: FieldValue = None) -> tuple[Memory, Claim]:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        stays = a_venue(id="v2", courriels=courriels or [ADDRESS]).model_copy(
            update={"merged": ["v1"]}
        )
        memory.rows["venues"] = memory_with(a_venue(merged_into="v2"), stays).rows["venues"]
        return memory, made

    def test_the_mails_link_makes_a_manager_of_the_venue_that_stays(self) -> None:
        memory, made = self.merged()
        answer(memory, made, known=True)
        assert kept(memory, made).state == "approved"
        assert managers(memory, "v2") == ["nour"]

    def test_an_address_that_did_not_stay_proves_nothing(self) -> None:
        memory, made = self.merged(courriels=[OTHER])
        with pytest.raises(ProofImpossible):
            answer(memory, made, known=True)

    def test_the_claim_is_among_those_of_the_venue_that_stays(self) -> None:
        memory, made = self.merged()
        (listed, _), _ = memory.run(lambda tx: claims.list_claims(tx, MODERATOR, "v2"), NOW)
        assert [one.id for one in listed] == [made.id]
        found, _ = memory.run(lambda tx: claims.get_claim(tx, MODERATOR, "v2", made.id), NOW)
        assert found.id == made.id


class TestRefusals:
    def test_of_a_manager(self) -> None:
        with pytest.raises(AlreadyManager):
            claim(memory_with(a_venue("nour")), wish())

    def test_of_no_venue(self) -> None:
        with pytest.raises(VenueNotFound):
            claim(memory_with(), wish())

    @pytest.mark.parametrize("first", ["mail", "moderator"])
    def test_of_a_second_one_while_the_first_waits(self, first: str) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish(first))
        with pytest.raises(ClaimWaiting) as refusal:
            claim(memory, wish("mail"))
        assert refusal.value.extra["claim_id"] == made.id

    def test_not_of_another_proof_while_a_mail_waits(self) -> None:
        memory = memory_with(a_venue())
        made, _ = claim(memory, wish("mail"))
        claim(memory, wish())
        assert kept(memory, made).state == "replaced"
        assert memory.timers == {}
        with pytest.raises(ClaimOver):
            answer(memory, made, known=True)

    def test_who_may_see_them(self) -> None:
        memory = memory_with(a_venue("ada"))
        made, _ = claim(memory, wish())
        for reader in (NOUR, MODERATOR, Account("ada")):
            found, _ = memory.run(
                lambda tx, reader=reader: claims.get_claim(tx, reader, "v1", made.id),  # type: ignore[misc]
                NOW,
            )
            assert found.id == made.id
        with pytest.raises(ClaimNotFound):
            memory.run(lambda tx: claims.get_claim(tx, Account("max"), "v1", made.id), NOW)
        with pytest.raises(NotAllowed):
            memory.run(lambda tx: claims.list_claims(tx, NOUR, "v1"), NOW)
        (listed, accepted), _ = memory.run(
            lambda tx: claims.list_claims(tx, Account("ada"), "v1"), NOW
        )
        assert [one.id for one in listed] == [made.id]
        assert [(one.account_id, one.version) for one in accepted] == [("nour", CURRENT.version)]
