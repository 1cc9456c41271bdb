"""Who is served next: the due deliveries of each endpoint, and whose turn it is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

REMEMBERED = 500
"""Deliveries that are kept in mind of one endpoint: a backlog takes no more memory than that."""


class Due(NamedTuple):
    """A delivery that is due."""

    id: str
    subscription: str
    asked: bool = False


@dataclass
class Line:
    """What is due to one endpoint, oldest first."""

    asked: dict[str, None] = field(default_factory=dict)
    """What its owner has just asked for: first, and in a pause too."""
    due: dict[str, None] = field(default_factory=dict)
    more: bool = False
    """Others are due that are not in mind."""
    held_until: datetime | None = None

    def ready(self, at: datetime) -> bool:
        """Whether it may be served now."""
        held = self.held_until is not None and at < self.held_until
        return bool(self.asked or (self.due and not held))


class Lines:
    """One line per endpoint, served in turns, so that the longest holds nobody up."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    @property
    def exhausted(self) -> bool:
        """Whether somebody has more due than is in mind, and all in mind is done."""
        return any(line.more and not line.due for line in self._lines.values())

    def renew(self, found: Iterable[Due]) -> None:
        """Keep in mind this and nothing else; whose turn is next stays."""
        self._lines = {id_: Line() for id_ in self._lines}
        self.add(found)
        self._lines = {id_: line for id_, line in self._lines.items() if line.asked or line.due}

    def add(self, found: Iterable[Due]) -> None:
        """Keep in mind what is due, given oldest first; what is known already stays once."""
        for one in found:
            line = self._lines.setdefault(one.subscription, Line())
            # something is new here: whether it is still held is looked up again
            line.held_until = None
            if one.asked:
                line.asked[one.id] = None
            elif one.id in line.due:
                continue
            elif line.more or len(line.due) >= REMEMBERED:
                line.more = True
            else:
                line.due[one.id] = None

    def next(self, count: int, at: datetime, *, without: Collection[str]) -> list[str]:
        """At most so many endpoints to serve now, the one that has waited longest first."""
        ready = [id_ for id_, line in self._lines.items() if id_ not in without and line.ready(at)]
        return ready[:count]

    def take(self, subscription_id: str, *, held_until: datetime | None) -> str | None:
        """The delivery to send now, if any; of an endpoint in a pause, only what was asked for."""
        line = self._lines.get(subscription_id)
        if line is None:
            return None
        line.held_until = held_until
        waiting = line.asked or ({} if held_until else line.due)
        if not waiting:
            return None
        first = next(iter(waiting))
        del waiting[first]
        return first

    def served(self, subscription_id: str) -> None:
        """Send it to the end of those that wait; forget it if nothing is left."""
        line = self._lines.pop(subscription_id, None)
        if line and (line.asked or line.due or line.more):
            self._lines[subscription_id] = line

    def lost(self, subscription_id: str) -> None:
        """One was taken and nothing came of it: it is due still, but not in mind."""
        self._lines.setdefault(subscription_id, Line()).more = True

    def forget(self, subscription_id: str) -> None:
        """Nothing is due to it any more."""
        self._lines.pop(subscription_id, None)
