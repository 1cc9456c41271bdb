"""What feeds of all services have in common: texts that XML and iCalendar can hold."""

import datetime as dt
import re
from collections.abc import Iterable

from icalendar import Calendar, Event, Timezone, TimezoneStandard

NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""When an empty feed was last changed."""
# what XML 1.0 cannot hold at all, not even escaped
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """A text that XML can hold."""
    return _NOT_XML.sub("\ufffd", text)


def lines(text: str) -> str:
    """A text of several lines, for a calendar."""
    # some readers of calendars take any of these characters for the end of a property
    return "\n".join(text.splitlines())


def one_line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def calendar_of(events: Iterable[Event], *, product: str, name: str) -> bytes:
    """A calendar of these events.

    Without any it holds a time zone alone: RFC 5545 (3.6) wants one component at least.
    """
    made = Calendar()
    made.add("prodid", product)
    made.add("version", "2.0")
    made.add("x-wr-calname", name)
    for event in events:
        made.add_component(event)
    if not made.subcomponents:
        made.add_component(_universal_time())
    text: bytes = made.to_ical()
    return text


def _universal_time() -> Timezone:
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "Etc/UTC")
    standard.add("dtstart", dt.datetime(1970, 1, 1))  # noqa: DTZ001
    standard.add("tzoffsetfrom", dt.timedelta())
    standard.add("tzoffsetto", dt.timedelta())
    zone.add_component(standard)
    return zone
