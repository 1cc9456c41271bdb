"""Pairs of sheets that may tell of one venue, and what people decided of them."""

import datetime as dt
from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from services.directory.domain.duplicates import Likeness
from services.directory.domain.fiche import Fiche
from shared.errors import Problem

Verdict = Literal["same", "distinct", "unsure"]
State = Literal["open", "same", "distinct", "unsure", "closed"]
"""`closed` is a pair that nobody decided and that no longer looks alike."""


class DuplicateNotFound(Problem):
    """No pair has this id."""

    type = "duplicate-not-found"
    status = 404
    title = "Cette paire de fiches n'existe pas."


class Opinion(BaseModel):
    """What somebody decided of a pair, and when."""

    verdict: Verdict
    by: str
    """`account:…`."""
    at: AwareDatetime
    reason: str = ""
    score: int
    """What it was shown with."""


class Duplicate(BaseModel):
    """Two sheets that may tell of one venue."""

    id: str
    left: str
    right: str
    """Venues; `left` sorts first."""
    score: int
    evidence: list[str]
    departements: list[str]
    """Where the two are; empty if unknown."""
    state: State = "open"
    decisions: list[Opinion] = []
    """All there were, oldest first; the last one counts."""
    found_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def likeness(self) -> Likeness:
        """How alike they were when they were last compared."""
        return Likeness(self.score, tuple(self.evidence))

    @property
    def is_decided(self) -> bool:
        """Whether people have decided: no comparison changes that."""
        return self.state in ("same", "distinct", "unsure")

    def compared(self, likeness: Likeness, now: dt.datetime) -> "Duplicate":
        """The pair after another comparison that found it alike; itself if nothing changed."""
        evidence = sorted(likeness.evidence)
        same = (self.state, self.score, self.evidence) == ("open", likeness.score, evidence)
        if self.is_decided or same:
            return self
        return self.model_copy(
            update={
                "state": "open",
                "score": likeness.score,
                "evidence": evidence,
                "updated_at": now,
            }
        )

    def closed(self, now: dt.datetime) -> "Duplicate":
        """The pair once it no longer looks alike; itself if that says nothing about it."""
        if self.state != "open":
            return self
        return self.model_copy(update={"state": "closed", "updated_at": now})

    def opened(self, now: dt.datetime) -> "Duplicate":
        """The pair to be looked at again; what was decided of it stays readable."""
        return self.model_copy(update={"state": "open", "updated_at": now})

    def decided(self, verdict: Verdict, by: str, reason: str, now: dt.datetime) -> "Duplicate":
        """The pair with one more decision, which counts from now on."""
        opinion = Opinion(verdict=verdict, by=by, at=now, reason=reason, score=self.score)
        return self.model_copy(
            update={
                "state": verdict,
                "decisions": [*self.decisions, opinion],
                "updated_at": now,
            }
        )


def pair_id(one: str, other: str) -> str:
    """The same for two venues in either order; fit for a web address."""
    left, right = sorted((one, other))
    return sha256(f"{left}\0{right}".encode()).hexdigest()[:32]


def found(one: Fiche, other: Fiche, likeness: Likeness, now: dt.datetime) -> Duplicate:
    """A pair that nobody has seen before."""
    left, right = sorted((one, other), key=lambda fiche: str(fiche["id"]))
    ids = str(left["id"]), str(right["id"])
    places = {departement(left), departement(right)} - {""}
    return Duplicate(
        id=pair_id(*ids),
        left=ids[0],
        right=ids[1],
        score=likeness.score,
        evidence=sorted(likeness.evidence),
        departements=sorted(places),
        found_at=now,
        updated_at=now,
    )


def departement(fiche: Fiche) -> str:
    """The département of a sheet by its commune's code, else its postcode; empty if unknown.

    A postcode cannot tell the two of Corsica apart: it says none.
    """
    code = str(fiche.get("code_insee") or fiche.get("code_postal") or "")
    if code.startswith("20"):
        return ""
    return code[:3] if code.startswith(("97", "98")) else code[:2]
