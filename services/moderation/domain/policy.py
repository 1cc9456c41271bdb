"""The durations and choices that an operator may set, as the rules use them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

ONE_WEEK = timedelta(days=7)
"""The network's charter: unless somebody objects, a proposal is online within one week."""


@dataclass(frozen=True)
class Policy:
    """How long things take, and what silence means where nobody could be reached."""

    period: timedelta = ONE_WEEK
    """From a proposal to the moment when silence decides it."""
    reminders: Sequence[timedelta] = field(default=(timedelta(days=3), timedelta(days=6)))
    """From a proposal to each reminder."""
    assignment: timedelta = timedelta(minutes=30)
    """How long a moderator keeps a case for themselves."""
    appeal_window: timedelta = timedelta(days=30)
    """From a refusal to the end of the time to ask another moderator."""
    unreachable_refuses: bool = False
    """Whether the deadline leaves out what no manager could be told of; else the week holds."""
