"""Two sheets of one venue become one, field by field, and two again.

The venue that stays is `this`, the one merged into it `other`. An address moves whole, with its
coordinates.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from services.directory.domain.fiche import COLUMNS, Fiche
from services.directory.domain.merge import undone
from services.directory.domain.provenance import Origin
from services.directory.domain.sources import ADDRESS
from services.directory.domain.venues import Acceptance, Revision, SourceSheet, Venue
from shared.errors import InvalidField, InvalidInput, Problem
from shared.events import FieldValue
from shared.french import PARIS

Side = Literal["this", "other"]
Why = Literal["same", "only", "manager", "people", "fresher", "kept"]

WHY: dict[Why, str] = {
    "same": "Les deux fiches disent la même chose.",
    "only": "Une seule des deux fiches le dit.",
    "manager": "La personne responsable du lieu l'a donné.",
    "people": "Une proposition acceptée l'a donné, l'autre valeur vient d'une source.",
    "fresher": "C'est la valeur la plus récente.",
    "kept": "Rien ne les départage : la fiche qui reste garde sa valeur.",
}
"""In French, why a value is proposed."""

FIXED = frozenset({"id", "date_maj"})
"""The id stays, and the newest date counts."""


class MergedWithItself(Problem):
    """Both are the same venue."""

    type = "merged-with-itself"
    status = 409
    title = "Une fiche ne peut pas être fusionnée avec elle-même."


class AlreadyMerged(Problem):
    """The other one is part of a venue already; this one's door has said so before."""

    type = "already-merged"
    status = 409
    title = "L'autre fiche est déjà fusionnée."


class VenueChanged(Problem):
    """One of the two sheets is no longer at the revision that was read."""

    type = "venue-changed"
    status = 409
    title = "L'une des fiches a changé depuis que vous l'avez ouverte : relisez-la d'abord."


class MergeNotFound(Problem):
    """Nothing was merged into this venue under this id."""

    type = "merge-not-found"
    status = 404
    title = "Cette fusion n'existe pas."


class AlreadyUnmerged(Problem):
    """It was undone before."""

    type = "already-unmerged"
    status = 409
    title = "Cette fusion est déjà annulée."


class FieldProposal(BaseModel):
    """One choice: a column, or all that make up the address."""

    fields: list[str]
    this: dict[str, FieldValue]
    other: dict[str, FieldValue]
    proposed: Side
    why: Why


class Merge(BaseModel):
    """A merge as it was done: all that is needed to undo it."""

    id: str
    this: str
    other: str
    at: AwareDatetime
    by: str
    """`account:…`."""
    choices: dict[str, Side]
    before: dict[str, FieldValue]
    """Of each field that moved: what this sheet said."""
    after: dict[str, FieldValue]
    """And what it said then."""
    origins: dict[str, Origin]
    """Where the moved fields' earlier values came from, if they had been changed before."""
    managers: list[str]
    """The accounts that manage this venue because they managed the other."""
    sources: list[SourceSheet]
    """The other's, as they were."""
    moved: dict[str, list[str]] = {}
    """What else came with the other, by collection: ids."""
    sheet: dict[str, FieldValue]
    """What this sheet said once they were one."""
    other_sheet: dict[str, FieldValue]
    """What the other one said."""
    undone_at: AwareDatetime | None = None
    undone_by: str | None = None


def propose(this: Venue, other: Venue, now: dt.datetime) -> list[FieldProposal]:
    """For each choice there is to make, both values, and which of them should stay."""
    groups = [ADDRESS, *((name,) for name in COLUMNS if name not in (*ADDRESS, *FIXED))]
    return [
        _propose(this, other, fields, now)
        for fields in groups
        if any(name in this.fiche or name in other.fiche for name in fields)
    ]


def _propose(this: Venue, other: Venue, fields: tuple[str, ...], now: dt.datetime) -> FieldProposal:
    here = {name: this.fiche.get(name) for name in fields}
    there = {name: other.fiche.get(name) for name in fields}
    proposed, why = _better(this, other, fields, now)
    return FieldProposal(fields=list(fields), this=here, other=there, proposed=proposed, why=why)


def _better(
    this: Venue, other: Venue, fields: tuple[str, ...], now: dt.datetime
) -> tuple[Side, Why]:
    if all(COLUMNS[one].same(this.fiche.get(one), other.fiche.get(one)) for one in fields):
        return "this", "same"
    filled = _filled(this.fiche, fields), _filled(other.fiche, fields)
    if filled[0] != filled[1]:
        return ("this" if filled[0] > filled[1] else "other"), "only"
    here, there = _worth(this, fields, now), _worth(other, fields, now)
    better: Side = "other" if there > here else "this"
    won, lost = (there, here) if better == "other" else (here, there)
    if won[0] > lost[0]:
        return better, "manager" if won[0] == _MANAGER else "people"
    return better, "fresher" if won > lost else "kept"


def _filled(fiche: Fiche, fields: tuple[str, ...]) -> int:
    """Whether there is a value; an address with its coordinates is more than one without."""
    if len(fields) == 1:
        return int(fields[0] in fiche)
    return int("adresse" in fiche) + int("latitude" in fiche and "longitude" in fiche)


_MANAGER, _PEOPLE, _SOURCE = 2, 1, 0


def _worth(venue: Venue, fields: tuple[str, ...], now: dt.datetime) -> tuple[int, str]:
    """How well sourced the values are, then the day since when (ISO 8601); more is better."""
    return max(_worth_of(venue, name, now) for name in fields if name in venue.fiche)


def _worth_of(venue: Venue, name: str, now: dt.datetime) -> tuple[int, str]:
    origin = venue.origin(name)
    if not origin.by_people:
        return _SOURCE, str(venue.fiche.get("date_maj") or "")
    day = (origin.confirmed_at or origin.at).astimezone(PARIS).date().isoformat()
    protected = origin.protected_until and now < origin.protected_until
    return (_MANAGER if protected else _PEOPLE), day


def chosen(proposals: Iterable[FieldProposal], wanted: Mapping[str, Side]) -> dict[str, Side]:
    """A side for each field: what somebody wants, else what is proposed.

    Raises `InvalidInput` for fields that there is nothing to choose for, an address torn apart,
    and a required value that the wanted side does not have.
    """
    proposals = list(proposals)
    sides: dict[str, Side] = {}
    errors = _unknown(proposals, wanted)
    for one in proposals:
        asked = {wanted[name] for name in one.fields if name in wanted}
        if len(asked) > 1:
            message = "L'adresse et ses coordonnées vont ensemble."
            given = [name for name in one.fields if name in wanted]
            errors += [InvalidField(f"choices.{name}", "together", message) for name in given]
            continue
        side = asked.pop() if asked else one.proposed
        values = one.this if side == "this" else one.other
        errors += [
            InvalidField(f"choices.{name}", "required", "Cette information est obligatoire.")
            for name in one.fields
            if COLUMNS[name].required and values[name] is None
        ]
        sides |= dict.fromkeys(one.fields, side)
    if errors:
        raise InvalidInput(invalid=errors)
    return sides


def _unknown(proposals: list[FieldProposal], wanted: Mapping[str, Side]) -> list[InvalidField]:
    known = {name for one in proposals for name in one.fields}
    message = "Il n'y a rien à choisir pour ce champ."
    return [
        InvalidField(f"choices.{name}", "unknown_field", message)
        for name in wanted
        if name not in known
    ]


def merge(
    this: Venue,
    other: Venue,
    choices: Mapping[str, Side],
    *,
    merge_id: str,
    by: str,
    now: dt.datetime,
) -> tuple[Merge, list[Revision]]:
    """Make one venue of two, in place; what was done, and an entry for each history."""
    values = {
        name: (this.fiche.get(name), other.fiche.get(name))
        for name, side in choices.items()
        if side == "other" and this.fiche.get(name) != other.fiche.get(name)
    }
    dates = this.fiche.get("date_maj"), other.fiche.get("date_maj")
    if str(dates[1] or "") > str(dates[0] or ""):
        values["date_maj"] = dates
    done = Merge(
        id=merge_id,
        this=this.id,
        other=other.id,
        at=now,
        by=by,
        choices=dict(choices),
        before={name: old for name, (old, _) in values.items()},
        after={name: new for name, (_, new) in values.items()},
        origins={name: this.origins[name] for name in values if name in this.origins},
        managers=[one for one in other.managers if one not in this.managers],
        sources=other.sources,
        sheet={},
        other_sheet=other.fiche,
    )
    entries = _entries("merge", this, other, values, done, by=by, now=now)
    done = done.model_copy(update={"sheet": this.fiche})
    this.managers = [*this.managers, *done.managers]
    for source in other.sources:
        if this.source(source.name, source.id) is None:
            this.set_source(source)
    this.merged = [*this.merged, *other.ids]
    other.sources, other.recheck_since, other.merged_into = [], None, this.id
    return done, entries


def unmerge(
    this: Venue, other: Venue, done: Merge, *, by: str, now: dt.datetime
) -> tuple[Merge, list[Revision]]:
    """Make two venues again, in place: the other as it was, this one but for what changed since."""
    values = undone(
        {name: (old, done.after[name]) for name, old in done.before.items()}, this.fiche
    )
    entries = _entries("unmerge", this, other, values, done, by=by, now=now)
    kept = {name: one for name, one in this.origins.items() if name not in values}
    this.origins = kept | {name: done.origins[name] for name in values if name in done.origins}
    this.set_origins({})
    this.managers = [one for one in this.managers if one not in done.managers]
    moved = {(one.name, one.id) for one in done.sources}
    theirs = [one for one in this.sources if (one.name, one.id) in moved or one.id in other.ids]
    # what a source began to say since is news to the other sheet
    since = [
        SourceSheet(name=one.name, id=one.id, fiche={})
        for one in theirs
        if (one.name, one.id) not in moved
    ]
    this.sources = [one for one in this.sources if one not in theirs]
    this.merged = [one for one in this.merged if one not in other.ids]
    other.sources, other.merged_into = [*done.sources, *since], None
    other.set_origins({})
    return done.model_copy(update={"undone_at": now, "undone_by": by}), entries


def _entries(
    how: Literal["merge", "unmerge"],
    this: Venue,
    other: Venue,
    values: Mapping[str, tuple[FieldValue, FieldValue]],
    done: Merge,
    *,
    by: str,
    now: dt.datetime,
) -> list[Revision]:
    """The next revision of both, in place; each names the other."""
    accepted = Acceptance(how=how, by=by, at=now, merge_id=done.id, other=other.id)
    backwards = accepted.model_copy(update={"other": this.id})
    origins = {name: other.origin(name) for name in values}
    return [
        this.revise(values, by=by, accepted=accepted, now=now, origins=origins),
        other.revise({}, by=by, accepted=backwards, now=now),
    ]


def rebased(base: Fiche, fields: Iterable[str], done: Merge) -> dict[str, FieldValue]:
    """What an author saw of some fields on the other sheet, as the one that stays says it.

    A field that was still as they saw it when the sheets became one is now as that was decided;
    one that had changed by then is left, and meets the sheet as a conflict.
    """
    seen = {name: base.get(name) for name in fields}
    return {
        name: done.sheet.get(name)
        if COLUMNS[name].same(value, done.other_sheet.get(name))
        else value
        for name, value in seen.items()
    }
