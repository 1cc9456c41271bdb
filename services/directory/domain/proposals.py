"""Proposals and their refusals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, StringConstraints

from services.directory.domain.fiche import COLUMNS, WITHHELD, Fiche, InvalidValue, readable
from shared.errors import InvalidField, InvalidInput, Problem
from shared.events import Author, FieldChange, FieldValue

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


class ProposalNotFound(Problem):
    """No proposal has this id, or it is not for this person to see."""

    type = "proposal-not-found"
    status = 404
    title = "Cette proposition n'existe pas."


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
            wrong = InvalidField(f"changes.{name}", exc.rule, exc.message, exc.suggestion)
            errors.append(wrong)
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
