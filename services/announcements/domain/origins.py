"""What is known of a partner's resource: its text and its figures, each in its own order."""

from pydantic import BaseModel, ConfigDict

from services.announcements.domain.calls import Call, Figures


class Counted(BaseModel):
    """A partner's newest figures, and in which version of its resource they came."""

    model_config = ConfigDict(frozen=True)

    version: int
    figures: Figures


class Seen(BaseModel):
    """What is known of a partner's resource: figures overtake texts, each has its own order."""

    model_config = ConfigDict(frozen=True)

    version: int = -1
    """Of its text or its end; before the first one, less than any."""
    counted: Counted | None = None


class Origin(Seen):
    """Where a partner's announcement comes from, and what is known of it there."""

    partner: str
    reference: str
    said: Call | None = None
    """As the partner last sent it; none once the partner has ended it."""
