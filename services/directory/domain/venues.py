"""A venue: its sheet, where each value comes from, and its history."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from services.directory.domain.merge import with_values
from services.directory.domain.provenance import Origin
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
    """How a revision came to be accepted: an import, a decision on a proposal, its reverting."""

    how: DecidedAs | Literal["import", "revert", "check", "merge", "unmerge"]
    by: str | None = None
    at: AwareDatetime
    proposal_id: str | None = None
    improved_by: str | None = None
    """`account:…`, if somebody else than its author wrote the text that was accepted."""
    rule: str | None = None
    """What accepted it when nobody did: `deadline`, or the shortcut's name."""
    merge_id: str | None = None
    other: str | None = None
    """The other venue of a merge."""


Note = Literal["absent_from_source", "back_in_source", "confirmed"]


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
    note: Note | None = None
    """What happened, if not that a value changed."""

    def origin(self) -> Origin:
        """The origin of the values that this revision brought; not for a revert or a merge."""
        accepted = self.accepted
        return Origin(
            by=self.by,
            how=accepted.how,
            at=accepted.at,
            accepted_by=accepted.by,
            rule=accepted.rule,
            proposal_id=accepted.proposal_id,
        )


class SourceSheet(BaseModel):
    """What a source last said of a venue."""

    name: str
    id: str
    """The venue's id there."""
    fiche: dict[str, FieldValue]
    absent_since: AwareDatetime | None = None
    """When its file no longer had the venue."""


class Venue(BaseModel):
    """A venue: its sheet at a revision, its sources, where each value comes from, its managers."""

    id: str
    revision: int
    ordinal: int
    """Its place in the directory's list, for ever."""
    fiche: dict[str, FieldValue]
    sources: list[SourceSheet]
    created_by: str
    """`import:…` with the source's name: the origin of every value that `origins` does not name."""
    created_at: AwareDatetime
    origins: dict[str, Origin] = {}
    """Of the values that changed since, also of those that are empty now."""
    recheck_since: AwareDatetime | None = None
    """The oldest acceptance by silence that nobody has looked at since."""
    managers: list[str] = []
    managers_revision: int = 0
    merged_into: str | None = None
    """The venue that this one is a duplicate of."""
    merged: list[str] = []
    """The venues that are one with this one, also those that were one with them."""
    updated_at: AwareDatetime

    @property
    def nom(self) -> str:
        """Its name."""
        return str(self.fiche["nom"])

    @property
    def ids(self) -> list[str]:
        """All ids that it goes by: its own, and those of the venues merged into it."""
        return [self.id, *self.merged]

    @property
    def absent_from_source(self) -> bool:
        """Whether no source has it any more."""
        return bool(self.sources) and all(source.absent_since for source in self.sources)

    def origin(self, field: str) -> Origin:
        """Where the value of a field comes from."""
        first = Origin(by=self.created_by, how="import", at=self.created_at)
        return self.origins.get(field, first)

    def source(self, name: str, id_: str) -> SourceSheet | None:
        """What a source last said under one of its ids."""
        return next((one for one in self.sources if (one.name, one.id) == (name, id_)), None)

    def set_source(self, sheet: SourceSheet) -> None:
        """Keep what a source says now."""
        others = [one for one in self.sources if (one.name, one.id) != (sheet.name, sheet.id)]
        self.sources = [*others, sheet]

    def to_recheck(self) -> dict[str, Origin]:
        """The values accepted by silence that nobody has looked at since."""
        return {name: one for name, one in self.origins.items() if one.to_recheck}

    def revise(
        self,
        values: Mapping[str, tuple[FieldValue, FieldValue]],
        *,
        by: str,
        accepted: Acceptance,
        now: dt.datetime,
        origins: Mapping[str, Origin] | None = None,
        note: Note | None = None,
    ) -> Revision:
        """Move to the next revision, in place; returns its entry of the history.

        `values` are old and new of each field; `origins` say where the new ones come from, where
        that is not this revision itself (a value that comes back, one of a merged sheet).
        """
        self.revision += 1
        self.updated_at = now
        changes = [Change(field=name, old=old, new=new) for name, (old, new) in values.items()]
        entry = Revision(
            venue_id=self.id,
            revision=self.revision,
            at=now,
            by=by,
            accepted=accepted,
            changes=changes,
            note=note,
        )
        self.fiche = with_values(self.fiche, {name: new for name, (_, new) in values.items()})
        known = origins or {}
        moved = {name: known.get(name) or entry.origin() for name in values if name != "date_maj"}
        self.set_origins(moved)
        return entry

    def confirm(self, fields: Iterable[str], by: str, now: dt.datetime) -> Revision:
        """Note that values which people wrote are still right, in place; the history's entry."""
        self.set_origins({name: self.origins[name].confirmed(by, now) for name in fields})
        accepted = Acceptance(how="check", by=by, at=now)
        return self.revise({}, by=by, accepted=accepted, now=now, note="confirmed")

    def set_origins(self, origins: Mapping[str, Origin]) -> None:
        """Say where some values come from."""
        self.origins = {**self.origins, **origins}
        self.recheck_since = min((one.at for one in self.to_recheck().values()), default=None)


def first_revision(venue: Venue, history: Iterable[Revision]) -> Revision:
    """The history's first entry, which nobody stores: all that the first import said."""
    fiche = at_revision(venue, history, 1)
    return Revision(
        venue_id=venue.id,
        revision=1,
        at=venue.created_at,
        by=venue.created_by,
        accepted=Acceptance(how="import", at=venue.created_at),
        changes=[Change(field=name, new=value) for name, value in fiche.items()],
    )


def origins_before(
    venue: Venue, history: Iterable[Revision], values: Mapping[str, FieldValue]
) -> dict[str, Origin]:
    """Where values that come back came from when the sheet last had them.

    The newest revision that brought exactly this value, by an import or a decision; else the
    first import.
    """
    first = Origin(by=venue.created_by, how="import", at=venue.created_at)
    found: dict[str, Origin] = {}
    for entry in sorted(history, key=lambda one: one.revision, reverse=True):
        if entry.accepted.how in ("revert", "check", "merge", "unmerge"):
            continue
        for change in entry.changes:
            name = change.field
            if name in values and name not in found and change.new == values[name]:
                found[name] = entry.origin()
    return {name: found.get(name, first) for name in values}


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
