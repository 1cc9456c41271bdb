"""A venue: its sheet, where each value comes from, and its history."""

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from shared.errors import Problem
from shared.events import FieldValue
from shared.events.moderation import DecidedAs
from shared.french import PARIS


class VenueNotFound(Problem):
    """No venue has this id."""

    type = "venue-not-found"
    status = 404
    title = "Ce lieu n'existe pas dans l'annuaire."


class UnknownRevision(Problem):
    """The base revision is none that the sheet ever had."""

    type = "unknown-revision"
    status = 422
    title = "Cette version de la fiche n'existe pas."


class Acceptance(BaseModel):
    """How a change came to be accepted: by an import, a decision on a proposal, its reverting."""

    how: DecidedAs | Literal["import", "revert"]
    by: str | None = None
    at: AwareDatetime
    proposal_id: str | None = None
    improved_by: str | None = None
    """`account:…`, if somebody else than its author wrote the text that was accepted."""
    rule: str | None = None
    """What accepted it when nobody did: `deadline`, or the shortcut's name."""


class Change(BaseModel):
    """One field of a sheet, old and new."""

    field: str
    old: FieldValue = None
    new: FieldValue = None


class Revision(BaseModel):
    """One entry of a sheet's history."""

    venue_id: str
    revision: int
    at: AwareDatetime
    by: str
    """`account:…`, or `import:…` with the source's name."""
    accepted: Acceptance
    changes: list[Change]


class Venue(BaseModel):
    """A venue: its sheet at a revision, what its source last said, and who manages it."""

    id: str
    revision: int
    ordinal: int
    """Its place in the directory's list, for ever."""
    fiche: dict[str, FieldValue]
    imported: dict[str, FieldValue]
    managers: list[str] = []
    managers_revision: int = 0
    updated_at: AwareDatetime

    @property
    def nom(self) -> str:
        """Its name."""
        return str(self.fiche["nom"])


def at_revision(venue: Venue, history: Iterable[Revision], revision: int) -> dict[str, FieldValue]:
    """The sheet as it was at a revision, walked back from now; raises `UnknownRevision`."""
    if not 1 <= revision <= venue.revision:
        raise UnknownRevision(revision=revision, current_revision=venue.revision)
    fiche = dict(venue.fiche)
    for entry in sorted(history, key=lambda one: one.revision, reverse=True):
        if entry.revision > revision:
            fiche.update({change.field: change.old for change in entry.changes})
    return {name: value for name, value in fiche.items() if value is not None}


def applied_by(
    proposal_id: str, history: Iterable[Revision]
) -> dict[str, tuple[FieldValue, FieldValue]]:
    """What a proposal has changed in a sheet: old and new of each field."""
    changed: dict[str, tuple[FieldValue, FieldValue]] = {}
    for entry in history:
        if entry.accepted.proposal_id != proposal_id or entry.accepted.how == "revert":
            continue
        for change in entry.changes:
            # nobody proposes this one: it moves with every revision
            if change.field != "date_maj":
                changed[change.field] = (change.old, change.new)
    return changed


def day(moment: dt.datetime) -> str:
    """The value of `date_maj` for a change made at this moment: the day in Paris."""
    return moment.astimezone(PARIS).date().isoformat()
