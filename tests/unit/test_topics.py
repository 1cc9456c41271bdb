"""How long the broker keeps what is on a topic."""

from shared.bus.topics import _config
from shared.events import contacts

DAYS_30 = str(30 * 24 * 3600 * 1000)


def test_our_own_events_stay_and_what_others_write_does_not() -> None:
    foreign = frozenset({"partners"})
    assert _config("partners", foreign) == {"retention.ms": DAYS_30}
    assert _config("directory", foreign) == {"retention.ms": "-1"}
    assert _config(contacts.STREAM, foreign) == {"cleanup.policy": "compact"}
