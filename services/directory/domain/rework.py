"""How a proposal gets another text: corrected by its author, improved by those who review it."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.directory.domain.fiche import COLUMNS, Fiche
from services.directory.domain.proposals import (
    Comment,
    NewsItem,
    NewsLink,
    NewsText,
    NewsTitle,
    NewsWords,
    Proposal,
    check_changes,
)
from shared.errors import RULES, InvalidField, InvalidInput, NotAllowed, Problem
from shared.events import FieldValue

_OF_AN_EDIT = {"changes", "drop", "comment", "base_revision"}
_OF_NEWS = {"titre", "texte", "lien"}


class ProposalClosed(Problem):
    """It is decided, withdrawn or replaced."""

    type = "proposal-closed"
    status = 409
    title = "Cette proposition n'attend plus de réponse."


class CorrectInstead(NotAllowed):
    """An author corrects; only others improve."""

    type = "correct-instead"
    title = "C'est votre proposition : vous pouvez la corriger et la renvoyer."


class NotCorrectable(Problem):
    """All of it is online, or it was undone, or a corrected one is there already."""

    type = "not-correctable"
    status = 409
    title = "Cette proposition ne peut pas être corrigée : elle est en ligne, annulée ou remplacée."


class NothingToPropose(Problem):
    """The sheet says all of it already, or everything was left out."""

    type = "nothing-to-propose"
    status = 422
    title = "Il ne reste rien à proposer."


class Rework(BaseModel):
    """Other parts for a proposal: what is not given stays as it was."""

    model_config = ConfigDict(extra="forbid")

    changes: dict[str, Any] = {}
    """Fields of an edit to add or to give another value."""
    drop: Annotated[list[str], Field(max_length=len(COLUMNS))] = []
    """Fields of an edit to leave out."""
    titre: NewsTitle | None = None
    texte: NewsText | None = None
    lien: NewsLink = None
    """The link of a news item; null takes it away."""


class Correction(Rework):
    """What an author puts right before they send it again."""

    comment: Comment | None = None
    base_revision: Annotated[int, Field(strict=True)] | None = None
    """The sheet's revision that was read; the present one if none is given."""


def check_parts(rework: Rework, proposal: Proposal | NewsItem) -> None:
    """Raise `InvalidInput` for parts that only the other kind of proposal has."""
    foreign = rework.model_fields_set & (_OF_NEWS if proposal.kind == "edit" else _OF_AN_EDIT)
    if foreign:
        message = RULES["extra_forbidden"]
        raise InvalidInput(
            invalid=[InvalidField(name, "extra_forbidden", message) for name in sorted(foreign)]
        )


def corrected(proposal: Proposal, correction: Correction, base: Fiche) -> dict[str, FieldValue]:
    """The changes to propose against a sheet; raises `NotCorrectable` and others.

    What was online before is left out, and so is what the sheet says by now.
    """
    kept = {
        name: value
        for name, value in _without(_correctable(proposal), correction.drop, proposal.shown).items()
        if not COLUMNS[name].same(value, base.get(name))
    }
    changes = {**kept, **correction.changes}
    if not changes:
        raise NothingToPropose
    return check_changes(changes, base)


def _correctable(proposal: Proposal) -> dict[str, FieldValue]:
    """The part of a proposal that is not online."""
    if proposal.state in ("waiting", "refused", "withdrawn"):
        return proposal.shown
    if proposal.state == "applied":
        online = proposal.merged("applied", "unchanged")
        left = {name: value for name, value in proposal.shown.items() if name not in online}
        if left:
            return left
    raise NotCorrectable(state=proposal.state)


def corrected_news(item: NewsItem, correction: Correction) -> NewsWords:
    """The words to propose; raises `NotCorrectable`."""
    if item.state not in ("waiting", "refused", "withdrawn"):
        raise NotCorrectable(state=item.state)
    return _reworded(item.shown, correction)


def check_improvable(proposal: Proposal | NewsItem, account_id: str) -> None:
    """Raise `CorrectInstead` or `ProposalClosed` unless this account may improve it."""
    if account_id == proposal.author.account_id:
        raise CorrectInstead
    if proposal.state != "waiting":
        raise ProposalClosed(state=proposal.state)


def improved(proposal: Proposal, rework: Rework, base: Fiche) -> dict[str, FieldValue]:
    """All changes of the next text, against the sheet that its author saw."""
    before = proposal.shown
    text = check_changes({**_without(before, rework.drop, before), **rework.changes}, base)
    if text == before:
        raise _nothing_changed("changes")
    return text


def improved_news(item: NewsItem, rework: Rework) -> NewsWords:
    """The words of the next text."""
    words = _reworded(item.shown, rework)
    if words == item.shown:
        raise _nothing_changed("texte")
    return words


def _without(
    kept: Mapping[str, FieldValue], drop: Iterable[str], known: Iterable[str]
) -> dict[str, FieldValue]:
    unknown = [name for name in drop if name not in known]
    if unknown:
        message = f"La proposition ne porte pas sur : {', '.join(unknown)}."
        raise InvalidInput(invalid=[InvalidField("drop", "unknown_field", message)])
    return {name: value for name, value in kept.items() if name not in drop}


def _reworded(words: NewsWords, rework: Rework) -> NewsWords:
    given = rework.model_dump(include=_OF_NEWS, exclude_unset=True)
    # a link may go; a title and a text may not
    other = {name: value for name, value in given.items() if name == "lien" or value is not None}
    return words.model_copy(update=other)


def _nothing_changed(field: str) -> InvalidInput:
    message = "La proposition dit déjà cela."
    return InvalidInput(invalid=[InvalidField(field, "unchanged", message)])
