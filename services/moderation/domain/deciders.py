"""Who decides a case, and until when somebody else may."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import AwareDatetime, BaseModel

from services.moderation.domain.cases import KINDS, ReviewCase
from services.moderation.domain.problems import ManagersFirst, NotADecider, OutOfScope, OwnProposal
from shared.events.contacts import venue_key
from shared.events.moderation import CaseKind, DecidedAs, Held, Told


@dataclass(frozen=True)
class Actor:
    """Whoever asks: an account, with the fingerprints of its address."""

    id: str
    name: str = ""
    moderator: bool = False
    since: AwareDatetime | None = None
    """When the account was made, if its token says so."""
    fingerprints: frozenset[str] = frozenset()

    @property
    def ref(self) -> str:
        """How decisions and the log name it."""
        return f"account:{self.id}"


class Scope(BaseModel):
    """What is entrusted to a moderator; an empty list means everything."""

    departements: list[str] = []
    kinds: list[CaseKind] = []

    def covers(self, case: ReviewCase) -> bool:
        """Whether a case is theirs; one without a territory is everybody's."""
        here = not self.departements or case.departement in (None, *self.departements)
        return here and (not self.kinds or case.kind in self.kinds)


def in_charge(case: ReviewCase, managers: Sequence[str]) -> list[str]:
    """Who is asked for a venue: its managers without the author, and its public addresses."""
    if not KINDS[case.kind].managers or case.venue_id is None:
        return []
    accounts = [f"account:{one}" for one in managers if one != case.author.account_id]
    return accounts + ([venue_key(case.venue_id)] if case.public_addresses else [])


def reachable(case: ReviewCase, managers: Sequence[str]) -> bool:
    """Whether somebody can answer for the venue."""
    return "manager_unreachable" not in case.marks and bool(in_charge(case, managers))


def moderators_decide(case: ReviewCase, managers: Sequence[str], *, who: str = "") -> bool:
    """Whether a case is for moderators: nobody to reach, contested, or a rule asks for it.

    An objection of one's own (`who`) does not make one its judge.
    """
    contested = any(one.account_id != who for one in case.objections)
    asked = bool(case.held) or not KINDS[case.kind].silence
    return asked or contested or not reachable(case, managers)


def role_in(
    case: ReviewCase, actor: Actor, managers: Sequence[str], *, own: bool, scope: Scope
) -> DecidedAs:
    """As what somebody may decide this case; raises `NotADecider`.

    A manager's word binds, on their own proposal too; a moderator never decides their own.
    """
    if KINDS[case.kind].managers and actor.id in managers:
        return "manager"
    # nobody judges what is said of the sheet that they manage
    if not actor.moderator or (case.kind == "report" and actor.id in managers):
        raise NotADecider
    if own:
        raise OwnProposal
    if not scope.covers(case):
        raise OutOfScope
    if not moderators_decide(case, managers, who=actor.id):
        raise ManagersFirst
    return "moderator"


def unreachable(case: ReviewCase, told: Sequence[Told]) -> bool:
    """Whether every notice to every manager asked has come back."""
    asked = [one for one in told if one.what in REVIEWS]
    last = {one.who: one.outcome for one in sorted(asked, key=lambda one: one.at)}
    return bool(case.asked) and all(last.get(who) == "bounced" for who in case.asked)


def held_at_deadline(case: ReviewCase, *, unreachable_refuses: bool) -> list[Held]:
    """What silence leaves out: what rules and objections hold, or all if so decided."""
    held = [*case.held]
    held += [
        Held(rule="objection", fields=one.fields, sentence=OBJECTED) for one in case.objections
    ]
    if unreachable_refuses and "manager_unreachable" in case.marks:
        held.append(Held(rule="manager_unreachable", sentence=UNREACHABLE))
    return held


REVIEWS = frozenset({"review_opened", "review_reminder", "review_contested"})
"""The mails that ask managers for an answer."""

OBJECTED = "Quelqu'un a fait une objection : cela demande une réponse."
UNREACHABLE = (
    "Les responsables du lieu n'ont pas pu être joints : cela demande une réponse de l'équipe de "
    "modération."
)


def departement(code_insee: str | None, code_postal: str | None) -> str | None:
    """The département of a commune's code or, failing that, of a postal code (`26`, `2A`, `974`).

    A postal code cannot tell the two of Corsica apart: it says none, so that both see the case.
    """
    code = code_insee or code_postal
    if not code or code.startswith("20"):
        return None
    return code[:3] if code.startswith(("97", "98")) else code[:2]
