"""Venues, proposals and their refusals."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, StringConstraints

from services.directory.domain.fiche import COLUMNS, WITHHELD, Fiche, InvalidValue, readable
from shared.errors import InvalidField, InvalidInput, Problem
from shared.events import Author, FieldChange, FieldValue
from shared.events.moderation import DecidedAs
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
Comment = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000), BeforeValidator(readable)
]


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


class AlreadyManager(Problem):
    """Nothing to ask for."""

    type = "already-manager"
    status = 409
    title = "Vous êtes déjà responsable de cette fiche."


class UnknownText(Problem):
    """A proposal never had so many texts."""

    type = "unknown-text"
    status = 422
    title = "Cette version de la proposition n'existe pas."


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


class Improvement(BaseModel):
    """Another text of a proposal, by somebody else than its author."""

    by: str
    """`account:…`."""
    at: AwareDatetime


class EditImprovement(Improvement):
    """All changes of an edit, the kept ones too."""

    changes: dict[str, FieldValue]


class NewsWords(BaseModel):
    """What a news item says."""

    titre: NewsTitle
    texte: NewsText
    lien: NewsLink = None


class NewsImprovement(Improvement, NewsWords):
    """A news item in other words."""


class Reviewed(BaseModel):
    """What an edit and a news item have in common; each text is kept, its author's is 1."""

    id: str
    venue_id: str
    author: Author
    author_is_manager: bool
    proposed_at: AwareDatetime
    replaces: str | None = None
    """The proposal that this one corrects."""
    improvements: Sequence[Improvement] = []
    accepted_revision: int | None = None
    """The text that was accepted; others may have been written meanwhile."""
    outcome: dict[str, Any] | None = None

    @property
    def revision(self) -> int:
        """How many texts there are."""
        return 1 + len(self.improvements)

    @property
    def shown_revision(self) -> int:
        """The text that counts: the accepted one, else the newest."""
        return self.accepted_revision or self.revision

    def improved_by(self, revision: int) -> str | None:
        """Who wrote a text, if not the author; raises `UnknownText`."""
        if not 1 <= revision <= self.revision:
            raise UnknownText(revision=revision)
        return self.improvements[revision - 2].by if revision > 1 else None


class Proposal(Reviewed):
    """An edit that somebody proposed, with the values they saw."""

    kind: Literal["edit"] = "edit"
    base_revision: int
    base: dict[str, FieldValue]
    changes: dict[str, FieldValue]
    """What its author wrote."""
    comment: str
    improvements: list[EditImprovement] = []
    state: Literal["waiting", "applied", "refused", "withdrawn", "superseded", "reverted"] = (
        "waiting"
    )

    def text(self, revision: int) -> dict[str, FieldValue]:
        """All changes of one text; raises `UnknownText`."""
        if self.improved_by(revision):
            return self.improvements[revision - 2].changes
        return self.changes

    @property
    def shown(self) -> dict[str, FieldValue]:
        """The changes that count."""
        return self.text(self.shown_revision)

    @property
    def has_addresses(self) -> bool:
        """Whether any of its texts would change addresses."""
        texts = (self.changes, *(one.changes for one in self.improvements))
        return any(WITHHELD & text.keys() for text in texts)

    def merged(self, *results: str) -> list[str]:
        """The fields that met the sheet with one of these results."""
        outcome = self.outcome or {}
        return [name for result in results for name in outcome.get(result, [])]

    def to_apply(
        self, fields: Iterable[str], revision: int, *, on_appeal: bool
    ) -> dict[str, FieldValue]:
        """The accepted fields that have not met the sheet yet; none if it is closed for good."""
        if self.state not in ("waiting", "applied") and not (on_appeal and self.state == "refused"):
            return {}
        text = self.text(revision)
        done = self.merged("applied", "unchanged", "conflicts")
        return {name: text[name] for name in fields if name not in done}

    def field_changes(self) -> list[FieldChange]:
        """The newest changes as events carry them: addresses are withheld."""
        return [
            FieldChange(field=name, withheld=True)
            if name in WITHHELD
            else FieldChange(field=name, old=self.base.get(name), new=new)
            for name, new in self.text(self.revision).items()
        ]


class NewsItem(Reviewed, NewsWords):
    """A news item (actualité) of a venue, in its author's words."""

    kind: Literal["news"] = "news"
    improvements: list[NewsImprovement] = []
    state: Literal["waiting", "online", "refused", "withdrawn", "superseded", "unpublished"] = (
        "waiting"
    )
    published_at: AwareDatetime | None = None

    has_addresses: ClassVar[bool] = False

    def text(self, revision: int) -> NewsWords:
        """The words of one text; raises `UnknownText`."""
        words = self.improvements[revision - 2] if self.improved_by(revision) else self
        return NewsWords(titre=words.titre, texte=words.texte, lien=words.lien)

    @property
    def shown(self) -> NewsWords:
        """The words that count."""
        return self.text(self.shown_revision)


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
