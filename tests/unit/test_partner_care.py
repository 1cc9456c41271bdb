"""Where a page of a partner's deliveries starts."""

import datetime as dt

import pytest

from services.announcements.domain.partner_care import cursor, place
from services.announcements.domain.partners import Delivery, delivery_id
from shared.errors import InvalidInput

NOW = dt.datetime(2026, 3, 2, 12, 0, 0, 7_000, tzinfo=dt.UTC)


def delivery(signed_id: str) -> Delivery:
    return Delivery(
        id=delivery_id("p", signed_id), partner="p", received_at=NOW, status="applied", via="http"
    )


@pytest.mark.parametrize("signed_id", ["msg_1", "a:b_c"])
def test_a_cursor_leads_back_to_its_delivery(signed_id: str) -> None:
    assert place("p", cursor(delivery(signed_id))) == (NOW, f"p:{signed_id}")


@pytest.mark.parametrize("bad", ["msg_1", "1", "-1_x", "²_x", "9" * 40 + "_x", "9" * 5_000 + "_x"])
def test_a_bad_cursor_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        place("p", bad)
    assert [(one.field, one.rule) for one in refusal.value.invalid] == [("after", "cursor")]
