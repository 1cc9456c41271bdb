"""What templates print of an event, in plain French."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from services.notifications.domain import (
    ASKED_OF_MANAGERS,
    MODERATORS,
    PARTNER,
    Told,
    account_ref,
    in_charge,
    writer,
)
from services.notifications.rendering.texts import lines, one_line
from shared.events import Author, FieldChange, FieldValue
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementPublished,
    AnnouncementUpdated,
    SubscriptionDisabled,
)
from shared.events.directory import (
    ClaimDisowned,
    ClaimEvent,
    ClaimLapsed,
    ClaimProofRequested,
    ClaimProved,
    EditApplied,
    FieldConflict,
    MediatorAttachmentAsked,
    NewsPublished,
    VenueCorrectionAsked,
    VenueReviewAsked,
)
from shared.events.moderation import (
    AnnouncementRefused,
    AppealDismissed,
    AppealLodged,
    ApprovalReverted,
    CaseDecided,
    CaseKind,
    ClaimApproved,
    ClaimRefused,
    EditRefused,
    Held,
    MessagePosted,
    NewsRefused,
    ReportDismissed,
    ReportUpheld,
    ReviewEscalated,
    ReviewWaiting,
)
from shared.french import label, shown

Silence = Literal["accepts", "in_part", "refuses"]
Reader = Literal["author", "manager", "moderators"]

KINDS: dict[type[Told], CaseKind] = {
    EditApplied: "edit",
    EditRefused: "edit",
    NewsPublished: "news",
    NewsRefused: "news",
    AnnouncementPublished: "announcement",
    AnnouncementUpdated: "announcement",
    AnnouncementEnded: "announcement",
    SubscriptionDisabled: "announcement",
    AnnouncementRefused: "announcement",
    ReportUpheld: "report",
    ReportDismissed: "report",
    ClaimApproved: "claim",
    ClaimRefused: "claim",
    ClaimProofRequested: "claim",
    ClaimProved: "claim",
    ClaimDisowned: "claim",
    ClaimLapsed: "claim",
    VenueReviewAsked: "edit",
    VenueCorrectionAsked: "edit",
    MediatorAttachmentAsked: "edit",
}
"""Of the events that do not say it themselves."""

NOT_SHOWN = "(adresses non affichées)"
SUBSCRIBED = "vous êtes abonné aux nouveautés de mednum par webhook"
SOMEBODY = "Une personne inscrite sur mednum"
LONGEST_TITLE = 80


@dataclass(frozen=True)
class Row:
    """A field of a sheet with two values to compare."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class HeldRow:
    """What silence does not accept: the fields by their names (empty: all of it), and why."""

    fields: str
    sentence: str


def words(event: Told, recipient: str) -> dict[str, Any]:
    """What every template may use, whatever the event."""
    kind = _kind(event)
    title = _short(one_line(_title(event)))
    author = writer(event).name.strip() or SOMEBODY
    reader = _reader(event, recipient)
    return {
        "event": event,
        "kind": kind,
        "title": title,
        "author": author,
        **_phrases(kind, title, author),
        "reader": reader,
        "why": SUBSCRIBED
        if isinstance(event, SubscriptionDisabled)
        else _why(kind, title, reader, recipient),
        "changed": isinstance(event, AnnouncementUpdated),
        "by_partner": recipient.startswith(PARTNER),
        "deadline": getattr(event, "deadline", None),
        **_waiting(event),
        **_outcome(event),
        **_said(event),
    }


def _kind(event: Told) -> CaseKind:
    if isinstance(
        event, ReviewWaiting | MessagePosted | ApprovalReverted | AppealLodged | AppealDismissed
    ):
        return event.kind
    return KINDS[type(event)]


def _phrases(kind: CaseKind, title: str, author: str) -> dict[str, str]:
    """How a kind is named: to its author, to the others, and at the beginning of a mail."""
    yours, matter, what, heading, opening = {
        "edit": (
            f"votre proposition pour “{title}”",
            f"la proposition pour “{title}”",
            "la proposition",
            "Proposition",
            f"{author} propose de corriger la fiche de “{title}”.",
        ),
        "news": (
            f"votre actualité pour “{title}”",
            f"l'actualité proposée pour “{title}”",
            "l'actualité",
            "Actualité",
            f"{author} propose une actualité pour la page de “{title}”.",
        ),
        "announcement": (
            f"votre annonce “{title}”",
            f"l'annonce “{title}”",
            "l'annonce",
            "Annonce",
            f"{author} propose une annonce : “{title}”.",
        ),
        "report": (
            f"votre signalement au sujet de “{title}”",
            f"un signalement au sujet de “{title}”",
            "le signalement",
            "Signalement",
            f"{author} signale un problème au sujet de “{title}”.",
        ),
        "claim": (
            f"votre demande de gestion de la fiche “{title}”",
            f"la demande de gestion de la fiche “{title}”",
            "la demande",
            "Demande de gestion",
            f"{author} demande à gérer la fiche de “{title}”.",
        ),
    }[kind]
    return {
        "yours": yours,
        "matter": matter,
        "what": what,
        "heading": heading,
        "opening": opening,
        "e": "" if kind == "report" else "e",
    }


def _title(event: Told) -> str:
    match event:
        case (
            EditApplied()
            | NewsPublished()
            | ClaimEvent()
            | VenueReviewAsked()
            | VenueCorrectionAsked()
            | MediatorAttachmentAsked()
        ):
            return event.venue_nom
        case AnnouncementPublished() | AnnouncementUpdated() | AnnouncementEnded():
            return event.titre
        case SubscriptionDisabled():
            return event.host
        case _:
            return event.title


def _short(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"


def _reader(event: Told, recipient: str) -> Reader:
    if recipient == MODERATORS:
        return "moderators"
    return "author" if recipient == account_ref(writer(event).account_id) else "manager"


def _why(kind: CaseKind, title: str, reader: Reader, recipient: str) -> str:
    """Why this person gets this mail."""
    if reader == "moderators":
        return "cette adresse est celle de l'équipe de modération de mednum"
    if recipient.startswith("venue:"):
        return f"cette adresse figure sur la fiche publique de “{title}”"
    if reader == "manager":
        return f"vous êtes responsable de la fiche de “{title}” sur mednum"
    return {
        "edit": "vous avez proposé une modification sur mednum",
        "news": "vous avez proposé une actualité sur mednum",
        "announcement": "vous avez proposé une annonce sur mednum",
        "report": "vous avez envoyé un signalement sur mednum",
        "claim": "vous avez demandé à gérer une fiche sur mednum",
    }[kind]


def _waiting(event: Told) -> dict[str, Any]:
    """What those who decide must know, and what happens if they do not."""
    if not isinstance(event, ReviewWaiting):
        return {}
    asked = bool(in_charge(event))
    return {
        "lines": lines(event.text),
        "changes": _changes(event.changes),
        "held": _held(event.held),
        "silence": _silence(event),
        "managers_asked": asked,
        "nobody_to_reach": event.kind in ASKED_OF_MANAGERS and not asked,
        "moderators_asked": event.for_moderators or not asked,
        "evidence": event.evidence,
        "objection": lines(event.objection) if isinstance(event, ReviewEscalated) else [],
    }


def _silence(event: ReviewWaiting) -> Silence | None:
    """What the deadline makes of a proposal; none if only a person can decide."""
    if event.deadline is None:
        return None
    if not event.held:
        return "accepts"
    held = {name for one in event.held for name in one.fields}
    whole = any(not one.fields for one in event.held)
    rest = not whole and any(change.field not in held for change in event.changes)
    return "in_part" if rest else "refuses"


def _outcome(event: Told) -> dict[str, Any]:
    """What was decided, and why."""
    match event:
        case EditApplied():
            return {
                "applied": _changes(event.applied),
                "unchanged": [label(field) for field in event.unchanged],
                "refused": [label(field) for field in event.refused_fields],
                "reason": lines(event.reason),
                "conflicts": _conflicts(event.conflicts),
                "held": _held(event.held),
            }
        case CaseDecided():
            decision = event.decision
            return {"reason": lines(decision.reason), "held": _held(decision.held)}
        case ApprovalReverted():
            return {"reason": lines(event.reason)}
    return {}


def _said(event: Told) -> dict[str, Any]:
    """What somebody wrote about a case."""
    match event:
        case MessagePosted():
            return {"lines": lines(event.text), "sender": _sender(event.sender, event.sender_role)}
        case AppealLodged() | ClaimProofRequested() | VenueCorrectionAsked():
            return {"lines": lines(event.text)}
        case VenueReviewAsked():
            return {
                "sheet": [(label(one.column), shown(one.value)) for one in event.values],
                "months": months(event.every_months),
                "last": event.number == event.at_most,
            }
    return {}


def months(count: int) -> str:
    """« six mois »."""
    return {3: "trois mois", 6: "six mois", 12: "un an"}.get(count, f"{count} mois")


def _sender(sender: Author, role: str) -> str:
    name = sender.name.strip()
    if role == "moderator":
        # the team answers, whoever of it writes
        return "L'équipe de modération"
    if role == "manager":
        return f"{name}, responsable du lieu," if name else "Une personne responsable du lieu"
    return name or SOMEBODY


def _held(held: Iterable[Held]) -> list[HeldRow]:
    return [HeldRow(", ".join(label(name) for name in one.fields), one.sentence) for one in held]


def _changes(changes: Iterable[FieldChange]) -> list[Row]:
    return [
        Row(
            label(one.field),
            _value(one.old, one.withheld),
            _value(one.new, one.withheld),
        )
        for one in changes
    ]


def _conflicts(conflicts: Iterable[FieldConflict]) -> list[Row]:
    return [
        Row(
            label(one.field),
            _value(one.current, one.withheld),
            _value(one.proposed, one.withheld),
        )
        for one in conflicts
    ]


def _value(value: FieldValue, withheld: bool) -> str:
    return NOT_SHOWN if withheld else shown(value)
