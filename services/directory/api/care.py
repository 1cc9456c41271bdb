"""How a sheet is cared for, as everybody may read it."""

from datetime import date

from pydantic import BaseModel

from services.directory.api.notices import NoticeOut
from services.directory.domain.checks import Role
from services.directory.domain.completeness import CRITERIA, Completeness
from services.directory.domain.reports import Delisted
from services.directory.use_cases.care import Care


class CriterionOut(BaseModel):
    """One criterion of a complete sheet, and what to do where it is not met."""

    key: str
    label: str
    met: bool
    advice: str


class CompletenessOut(BaseModel):
    """How complete a sheet is: one point for each criterion that is met."""

    score: int
    out_of: int
    criteria: list[CriterionOut]

    @classmethod
    def of(cls, measured: Completeness) -> "CompletenessOut":
        """The answer for a sheet that was measured."""
        criteria = [
            CriterionOut(
                key=one.key, label=one.label, met=one.key in measured.met, advice=one.advice
            )
            for one in CRITERIA
        ]
        return cls(score=measured.score, out_of=len(CRITERIA), criteria=criteria)


class CareOut(BaseModel):
    """What is known of a sheet beside its values."""

    completeness: CompletenessOut
    checked_on: date | None
    """When somebody last said that the sheet is right."""
    checked_by: Role | None
    notices: list[NoticeOut]
    """What is different for a while: current or to come, the earliest first."""
    closed_on: date | None
    """Since when the venue is known to be closed for good."""
    withdrawn_on: date | None
    """Since when the sheet is out of the lists because it broke the charter."""

    @classmethod
    def of_care(cls, cared: Care) -> "CareOut":
        """The answer for a sheet's care."""
        return cls(
            completeness=CompletenessOut.of(cared.completeness),
            checked_on=cared.check.on if cared.check else None,
            checked_by=cared.check.by_role if cared.check else None,
            notices=[NoticeOut.of(one) for one in cared.notices],
            closed_on=_since(cared, "closed"),
            withdrawn_on=_since(cared, "charter"),
        )


def _since(cared: Care, why: Delisted) -> date | None:
    return cared.delisting.since if cared.delisting and cared.delisting.why == why else None
