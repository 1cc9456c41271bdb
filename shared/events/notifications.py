"""What notifications publishes. Key: the case, so that what is said of one keeps its order."""

from pydantic import AwareDatetime

from shared.events.base import Event

STREAM = "notifications"


class Notice(Event, abstract=True):
    """What became of one mail about a case; its addresses are not told."""

    STREAM = STREAM
    case_id: str
    recipient: str
    """`account:…`, `venue:…` (its public addresses) or `moderators`."""
    template: str
    """What they were told."""
    at: AwareDatetime

    @property
    def key(self) -> str:
        """The case."""
        return self.case_id


class NoticeSent(Notice):
    """A mail server has taken it for one address of the recipient at least."""


class NoticeBounced(Notice):
    """It came back from every address of the recipient, or none is known."""
