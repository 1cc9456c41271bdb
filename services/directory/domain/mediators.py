"""Mediators: people who help others in one or several venues, and what they publish themselves.

Nothing here comes from an account or from a venue: a mediator types it, and takes it away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel

from services.directory.domain.columns import EMAIL, WEB, Column, InvalidValue
from services.directory.domain.fiche import COLUMNS
from shared.errors import InvalidField, InvalidInput, Problem
from shared.events import FieldValue

MOST_VENUES = 20

FIELDS = {
    column.name: column
    for column in (
        Column("nom", required=True, longest=100, prose=True),
        Column("presentation", longest=2_000, prose=True, several_lines=True),
        Column("langues", "list", longest=200),
        COLUMNS["services"],
        Column("courriel", items=EMAIL, longest=200),
        COLUMNS["telephone"],
        Column("lien", items=WEB),
    )
}
"""What a profile may say; `services` and `telephone` as the sheets'."""

State = Literal["asked", "confirmed", "removed"]


class MediatorNotFound(Problem):
    """No such mediator, or none who is shown."""

    type = "mediator-not-found"
    status = 404
    title = "Cette médiatrice ou ce médiateur n'est pas dans l'annuaire."


class Profile(BaseModel):
    """What a mediator shows to everybody."""

    nom: str
    """As they wish to be called."""
    presentation: str | None = None
    langues: list[str] = []
    services: list[str] = []
    courriel: str | None = None
    telephone: str | None = None
    lien: str | None = None


class Mediator(Profile):
    """A mediator's profile; `id` is a pseudonym that says nothing of the account."""

    id: str
    account_id: str
    published_at: AwareDatetime
    updated_at: AwareDatetime


class Attachment(BaseModel):
    """A mediator's wish to be shown at a venue, and what who manages it says."""

    mediator_id: str
    venue_id: str
    state: State
    asked_at: AwareDatetime
    answered_at: AwareDatetime | None = None

    def answered(self, state: State, at: datetime) -> "Attachment":
        """The same wish, confirmed or removed."""
        return self.model_copy(update={"state": state, "answered_at": at})


def attachment_id(mediator_id: str, venue_id: str) -> str:
    """The id of a mediator's attachment to a venue.

    Says nothing of either: what notes it, such as a merge, outlives the mediator's profile.
    """
    return uuid5(UUID(mediator_id), venue_id).hex


@dataclass(frozen=True)
class Attached:
    """What becomes of a mediator's attachments when they name their venues again."""

    kept: list[Attachment]
    added: list[Attachment]
    dropped: list[Attachment]


def check_profile(given: Mapping[str, FieldValue]) -> Profile:
    """A profile in its normal form; raises `InvalidInput` with every rule that it breaks."""
    said: dict[str, FieldValue] = {}
    errors: list[InvalidField] = []
    for name, column in FIELDS.items():
        try:
            value = column.check_proposed(given.get(name))
        except InvalidValue as exc:
            errors.append(InvalidField(name, exc.rule, exc.message, exc.suggestion))
        else:
            if value is not None:
                said[name] = value
    if errors:
        raise InvalidInput(invalid=errors)
    return Profile.model_validate(said)


def attach(
    mediator_id: str,
    known: Iterable[Attachment],
    wanted: Iterable[str],
    *,
    managed: Iterable[str],
    at: datetime,
) -> Attached:
    """The attachments after a mediator has named all their venues.

    Who manages a venue (`managed`) needs nobody's word. What was removed stays so, whether it is
    named or not: only the venue can change its mind.
    """
    wishes, own = set(wanted), set(managed)
    there = {one.venue_id: one for one in known}
    new = [
        Attachment(
            mediator_id=mediator_id,
            venue_id=venue_id,
            state="confirmed" if venue_id in own else "asked",
            asked_at=at,
            answered_at=at if venue_id in own else None,
        )
        for venue_id in dict.fromkeys(wanted)
        if venue_id not in there
    ]
    stays = [one for one in there.values() if one.venue_id in wishes or one.state == "removed"]
    return Attached(
        kept=[one.answered("confirmed", at) if _own(one, own, wishes) else one for one in stays],
        added=new,
        dropped=[one for one in there.values() if one not in stays],
    )


def _own(one: Attachment, managed: set[str], wishes: set[str]) -> bool:
    """Whether its mediator has come to manage the venue since they asked."""
    return one.state != "confirmed" and one.venue_id in managed and one.venue_id in wishes
