"""The page behind a mail's link: what people wrote is shown, never run."""

from datetime import UTC, datetime

import pytest

from services.moderation.domain import ReviewCase
from services.moderation.pages import page
from shared.errors import NotFound
from shared.events import Author, FieldChange
from shared.events.moderation import Decision

EVIL = "<script>alert(1)</script>\"'&"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def case(**changes: object) -> ReviewCase:
    fields: dict[str, object] = {
        "id": "c1",
        "kind": "edit",
        "venue_id": "v1",
        "title": EVIL,
        "changes": [FieldChange(field="nom", old=EVIL, new=[EVIL])],
        "text": EVIL,
        "link": "javascript:alert(1)",
        "author": Author(account_id="a", name=EVIL),
        "opened_at": NOW,
        "deadline": NOW,
    }
    return ReviewCase.model_validate(fields | changes)


@pytest.mark.parametrize("kind", ["edit", "news"])
def test_nothing_that_people_wrote_becomes_html(kind: str) -> None:
    one = case(kind=kind)
    html = bytes(page("decision", case=one, choice="accepter").body).decode()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html


def test_nor_in_what_was_decided_and_refused() -> None:
    decision = Decision(how="manager", by="venue:v1", at=NOW, reason=EVIL)
    decided = case(state="refused", decision=decision)
    for html in (
        page("decision", case=decided, choice="accepter"),
        page("decided", case=decided),
        page("refusal", 404, problem=NotFound(EVIL)),
    ):
        assert b"<script" not in html.body


def test_pages_are_for_nobody_else() -> None:
    headers = page("decided", case=case(state="refused")).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
