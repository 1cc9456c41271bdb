"""What people report about a sheet, each with its reason, and what becomes of one that is founded.

closed     the sheet says since when, and leaves the search and the lists
charter    the sheet is withdrawn: it leaves them too
wrong      the venue's managers are told what is wrong
duplicate  the two sheets are noted as one venue, to be merged by people
"""

import datetime as dt
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from shared.errors import InvalidField, InvalidInput, Problem
from shared.events.directory import ReportReason

Delisted = Literal["closed", "charter"]


class NotDelisted(Problem):
    """The sheet is in the lists."""

    type = "not-delisted"
    status = 404
    title = "Cette fiche n'a pas quitté les listes."


class Report(BaseModel):
    """Somebody says that something is wrong with a sheet."""

    id: str
    venue_id: str
    reason: ReportReason
    text: str
    other_venue: str | None = None
    """The sheet that says the same, of a duplicate."""
    reported_at: AwareDatetime
    upheld_at: AwareDatetime | None = None


class Delisting(BaseModel):
    """A sheet has left the search and the lists; its own address still answers."""

    venue_id: str
    why: Delisted
    since: dt.date
    report_id: str


def check_other(venue_id: str, reason: ReportReason, other_venue: str | None) -> None:
    """Raise `InvalidInput` unless a duplicate, and nothing else, names another sheet."""
    rule = message = ""
    if reason == "duplicate" and not other_venue:
        rule, message = "missing", "Dites de quelle autre fiche celle-ci est le doublon."
    elif reason != "duplicate" and other_venue:
        rule, message = "unexpected", "Une autre fiche ne se donne que pour un doublon."
    elif other_venue == venue_id:
        rule, message = "same", "Une fiche ne peut pas être son propre doublon."
    if rule:
        raise InvalidInput(invalid=[InvalidField("other_venue", rule, message)])
