"""What the directory publishes. Key: the venue, so that a sheet's events keep their order."""

from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Author, Contract, Event, FieldChange, FieldValue

STREAM = "directory"


class VenueEvent(Event, abstract=True):
    """An event about one venue."""

    STREAM = STREAM
    venue_id: str

    @property
    def key(self) -> str:
        """The venue."""
        return self.venue_id


class VenueManagersChanged(VenueEvent):
    """The accounts that manage a venue now; `revision` counts these changes."""

    revision: int
    managers: list[str]


class Proposed(VenueEvent, abstract=True):
    """What an edit and a news item have in common when they are proposed."""

    proposal_id: str
    venue_nom: str
    author: Author
    author_is_manager: bool
    public_addresses: int
    """How many public addresses the sheet has; the addresses travel on `contacts`."""
    proposed_at: AwareDatetime


class EditProposed(Proposed):
    """Somebody proposes to change fields of a sheet."""

    base_revision: int
    changes: list[FieldChange]
    comment: str = ""


class NewsProposed(Proposed):
    """Somebody proposes a news item for a venue."""

    titre: str
    texte: str
    lien: str | None = None


class FieldConflict(Contract):
    """A field that changed between the proposal and its acceptance, hence not applied."""

    field: str
    base: FieldValue = None
    current: FieldValue = None
    proposed: FieldValue = None
    withheld: bool = False


class EditApplied(VenueEvent):
    """An approved edit met the sheet: what is online now, and what was in the way."""

    proposal_id: str
    venue_nom: str
    revision: int
    author: Author
    accepted_by: Literal["manager", "moderator", "silence"]
    applied: list[FieldChange]
    unchanged: list[str]
    conflicts: list[FieldConflict]
    refused_fields: list[str] = []
    reason: str | None = None
    managers: list[str] = []
    public_addresses: int
    applied_at: AwareDatetime


class NewsPublished(VenueEvent):
    """An approved news item is online on its venue's page."""

    proposal_id: str
    venue_nom: str
    author: Author
    accepted_by: Literal["manager", "moderator", "silence"]
    titre: str
    published_at: AwareDatetime
