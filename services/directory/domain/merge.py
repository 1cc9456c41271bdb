"""The three-way merge: what somebody saw, what is there now, what they want."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.directory.domain.fiche import COLUMNS, Fiche
from shared.events import FieldValue


@dataclass(frozen=True)
class Conflict:
    """A field that somebody else changed meanwhile."""

    base: FieldValue
    current: FieldValue
    proposed: FieldValue


@dataclass
class Merge:
    """What becomes of each proposed field."""

    applied: dict[str, tuple[FieldValue, FieldValue]] = field(default_factory=dict)
    """Unchanged since: old and new."""
    unchanged: list[str] = field(default_factory=list)
    """Already so."""
    conflicts: dict[str, Conflict] = field(default_factory=dict)


def three_way(base: Fiche, current: Fiche, proposed: Mapping[str, FieldValue]) -> Merge:
    """Merge each proposed field by itself; a missing key means an empty value."""
    merge = Merge()
    for name, wanted in proposed.items():
        before, there = base.get(name), current.get(name)
        same = COLUMNS[name].same
        if same(there, wanted):
            merge.unchanged.append(name)
        elif same(there, before):
            merge.applied[name] = (there, wanted)
        else:
            merge.conflicts[name] = Conflict(before, there, wanted)
    return merge


def undone(
    applied: Mapping[str, tuple[FieldValue, FieldValue]], current: Fiche
) -> dict[str, tuple[FieldValue, FieldValue]]:
    """What goes back to its value before a change, if it still has the value after it.

    Takes old and new of each field, gives what is there now and what comes back.
    """
    after = {name: new for name, (_, new) in applied.items()}
    back = three_way(after, current, {name: old for name, (old, _) in applied.items()}).applied
    pair = {"latitude", "longitude"} & applied.keys()
    # half of a position is another position
    torn = set() if pair <= back.keys() else pair
    return {name: values for name, values in back.items() if name not in torn}


def with_values(fiche: Fiche, values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """A sheet with other values for some fields; an empty value leaves no key."""
    return {name: value for name, value in {**fiche, **values}.items() if value is not None}
