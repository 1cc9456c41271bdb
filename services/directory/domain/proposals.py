"""Venues, proposals and their refusals."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, StringConstraints

from services.directory.domain.fiche import COLUMNS, WITHHELD, Fiche, InvalidValue, readable
from shared.errors import InvalidField, InvalidInput, Problem
from shared.events import Author, FieldChange, FieldValue
from shared.french import PARIS

MOST_FIELDS = 32


def web_link(value: str) -> str:
    """A link that may be shown; raises ValueError in French."""
    try:
        return str(COLUMNS["prise_rdv"].check_proposed(value))
    except InvalidValue:
        raise ValueError("L'adresse doit commencer par http:// ou https://.") from None


NewsTitle = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=140),
    BeforeValidator(readable),
]
NewsText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=5000),
    BeforeValidator(readable),
]
WebLink = Annotated[str, StringConstraints(max_length=2000), AfterValidator(web_link)]
NewsLink = Annotated[WebLink | None, BeforeValidator(lambda value: value or None)]


class VenueNotFound(Problem):
    """No venue has this id."""

    type = "venue-not-found"
    status = 404
    title = "Ce lieu n'existe pas dans l'annuaire."


class ProposalNotFound(Problem):
    """No proposal has this id, or it is not for this person to see."""

    type = "proposal-not-found"
    status = 404
    title = "Cette proposition n'existe pas."


class UnknownRevision(Problem):
    """The base revision is none that the sheet ever had."""

    type = "unknown-revision"
    status = 422
    title = "Cette version de la fiche n'existe pas."


class Acceptance(BaseModel):
    """How a change came to be accepted: by an import, or by a decision on a proposal."""

    how: Literal["import", "manager", "moderator", "silence"]
    by: str | None = None
    at: AwareDatetime
    proposal_id: str | None = None


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


class Proposal(BaseModel):
    """An edit that somebody proposed, with the values they saw."""

    id: str
    kind: Literal["edit"] = "edit"
    venue_id: str
    base_revision: int
    base: dict[str, FieldValue]
    changes: dict[str, FieldValue]
    comment: str
    author: Author
    author_is_manager: bool
    proposed_at: AwareDatetime
    state: Literal["waiting", "applied", "refused"] = "waiting"
    outcome: dict[str, Any] | None = None

    def field_changes(self) -> list[FieldChange]:
        """The changes as events carry them: addresses are withheld."""
        return [
            FieldChange(field=name, withheld=True)
            if name in WITHHELD
            else FieldChange(field=name, old=self.base.get(name), new=new)
            for name, new in self.changes.items()
        ]


class NewsItem(BaseModel):
    """A news item (actualité) of a venue."""

    id: str
    kind: Literal["news"] = "news"
    venue_id: str
    titre: NewsTitle
    texte: NewsText
    lien: NewsLink = None
    author: Author
    author_is_manager: bool
    proposed_at: AwareDatetime
    state: Literal["waiting", "online", "refused"] = "waiting"
    published_at: AwareDatetime | None = None
    outcome: dict[str, Any] | None = None


def check_changes(proposed: Mapping[str, FieldValue], base: Fiche) -> dict[str, FieldValue]:
    """Proposed values in their normal form; raises `InvalidInput` that names every bad one."""
    if not 1 <= len(proposed) <= MOST_FIELDS:
        rule = "too_short" if not proposed else "too_long"
        message = f"Il faut entre 1 et {MOST_FIELDS} champs modifiés."
        raise InvalidInput(invalid=[InvalidField("changes", rule, message)])
    checked: dict[str, FieldValue] = {}
    errors: list[InvalidField] = []
    for name, value in proposed.items():
        try:
            checked[name] = _check_change(name, value, base)
        except InvalidValue as exc:
            errors.append(InvalidField(f"changes.{name}", exc.rule, exc.message))
    if not {"latitude", "longitude"} & (proposed.keys() - checked.keys()):
        errors += _coordinates_alone({**base, **checked}, checked)
    if errors:
        raise InvalidInput(invalid=errors)
    return checked


def _check_change(name: str, value: FieldValue, base: Fiche) -> FieldValue:
    column = COLUMNS.get(name)
    if column is None:
        raise InvalidValue("unknown_field", "Ce champ n'existe pas dans le schéma national.")
    checked = column.check_proposed(value)
    if column.same(checked, base.get(name)):
        raise InvalidValue("unchanged", "Cette valeur est déjà celle de la fiche.")
    return checked


def _coordinates_alone(fiche: Fiche, touched: Iterable[str]) -> list[InvalidField]:
    pair = {"latitude", "longitude"}
    if not pair & set(touched) or len({fiche.get(name) is None for name in pair}) == 1:
        return []
    message = "La latitude et la longitude vont ensemble."
    return [InvalidField(f"changes.{name}", "together", message) for name in sorted(pair)]


def at_revision(venue: Venue, history: Iterable[Revision], revision: int) -> dict[str, FieldValue]:
    """The sheet as it was at a revision, walked back from now; raises `UnknownRevision`."""
    if not 1 <= revision <= venue.revision:
        raise UnknownRevision(revision=revision, current_revision=venue.revision)
    fiche = dict(venue.fiche)
    for entry in sorted(history, key=lambda one: one.revision, reverse=True):
        if entry.revision > revision:
            fiche.update({change.field: change.old for change in entry.changes})
    return {name: value for name, value in fiche.items() if value is not None}


def day(moment: dt.datetime) -> str:
    """The value of `date_maj` for a change made at this moment: the day in Paris."""
    return moment.astimezone(PARIS).date().isoformat()
