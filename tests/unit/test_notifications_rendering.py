"""Mails as they are laid out, and where they lead."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.notifications import domain
from services.notifications.domain import Template, Told
from services.notifications.rendering import mails
from services.notifications.rendering.mails import LINK_KEPT, LINK_OF_A_SHEET, LINK_OF_NO_DEADLINE
from shared.events import FieldChange
from shared.links import DecisionLink, SheetLink
from tests.unit.notifications_page import Page
from tests.unit.notifications_samples import (
    DEADLINE,
    LINKS,
    NOW,
    RENDERER,
    SAMPLES,
    claim,
    contested,
    edit,
    message,
    news,
    reminder,
    review_asked,
)


@pytest.mark.parametrize(("template", "event", "recipient"), SAMPLES)
def test_every_mail_is_whole(template: Template, event: Told, recipient: str) -> None:
    mail = RENDERER.render(template, event, recipient)

    assert mail.subject
    assert "\n" not in mail.subject
    assert mail.text.startswith("Bonjour,\n")
    assert "Vous recevez ce message parce que" in mail.text
    assert all(len(line) <= 72 for line in mail.text.splitlines() if "://" not in line)
    assert "\n\n\n" not in mail.text
    assert "None" not in mail.text

    page = Page(mail.html)
    assert page.open == []
    assert page.all("html") == [{"lang": "fr"}]
    assert len(page.all("h1")) == len(page.all("title")) == 1
    assert "Vous recevez ce message parce que" in page.text
    assert "None" not in page.text
    assert not {"img", "script", "link", "iframe", "form"} & {tag for tag, _ in page.elements}
    assert {cell["scope"] for cell in page.all("th")} <= {"col", "row"}
    assert len(page.all("caption")) == len(page.all("table"))


def test_every_template_has_a_sample() -> None:
    for kind in ("txt", "html"):
        names = {
            path.name.removesuffix(f".{kind}.j2") for path in mails.TEMPLATES.glob(f"*.{kind}.j2")
        }
        wanted = {name for name in names if not name.startswith("_")} - {"layout"}
        assert wanted == {template for template, _, _ in SAMPLES}


OURS = re.compile(r"https://(?:moderation|lieux)\.example/\S+")


@pytest.mark.parametrize(("template", "event", "recipient"), SAMPLES)
def test_text_and_html_lead_to_the_same_places(
    template: Template, event: Told, recipient: str
) -> None:
    mail = RENDERER.render(template, event, recipient)
    in_html = [link["href"] or "" for link in Page(mail.html).all("a")]
    assert OURS.findall(mail.text) == in_html


@pytest.mark.parametrize("recipient", ["venue:v1", "account:ali"])
@pytest.mark.parametrize(
    ("template", "event"),
    [
        ("review_opened", edit()),
        ("review_reminder", reminder()),
        ("review_contested", contested()),
    ],
)
def test_links_let_their_holder_decide_this_case(
    template: Template, event: Told, recipient: str
) -> None:
    mail = RENDERER.render(template, event, recipient)
    choices = []
    for link in OURS.findall(mail.text):
        parts = urlsplit(link)
        assert LINKS.read(parts.path.removeprefix("/decision/")) == DecisionLink(
            "c1", recipient, DEADLINE + LINK_KEPT
        )
        choices += parse_qs(parts.query)["choix"]
    assert choices == ["accepter", "refuser"]


def test_a_reminders_links_are_for_its_reader_and_this_sheet() -> None:
    mail = RENDERER.render("sheet_review", review_asked(), "account:ali")
    check, _, stop = (urlsplit(one) for one in OURS.findall(mail.text))
    assert check.path.startswith("/checks/")
    assert stop.path.startswith("/reminders/")
    for one in (check, stop):
        link = LINKS.read_sheet(one.path.rpartition("/")[2])
        # longer than a year: the next reminder may be that far away
        assert link == SheetLink("v1", "account:ali", NOW + LINK_OF_A_SHEET)
    assert mail.unsubscribe == stop.geturl()
    assert RENDERER.render("review_opened", edit(), "account:ali").unsubscribe == ""


def link_in(template: Template, event: Told) -> DecisionLink:
    """The page that a mail to Ali leads to."""
    mail = RENDERER.render(template, event, "account:ali")
    [link, *_] = OURS.findall(mail.text)
    return LINKS.read(urlsplit(link).path.removeprefix("/decision/"))


def test_a_claim_has_no_deadline_and_its_link_lasts_all_the_same() -> None:
    assert link_in("review_opened", claim()).expires_at == NOW + LINK_OF_NO_DEADLINE


@pytest.mark.parametrize(
    ("posted", "ends"),
    [(NOW, DEADLINE + LINK_KEPT), (DEADLINE + LINK_KEPT, DEADLINE + LINK_KEPT * 2)],
)
def test_a_message_leads_to_a_page_that_opens(posted: datetime, ends: datetime) -> None:
    assert link_in("message_posted", message(posted_at=posted)).expires_at == ends


@pytest.mark.parametrize(
    ("template", "event", "recipient"),
    [one for one in SAMPLES if one[2] in ("account:nina", "moderators")],
)
def test_nobody_else_gets_a_decision_link(template: Template, event: Told, recipient: str) -> None:
    mail = RENDERER.render(template, event, recipient)
    assert "/decision/" not in mail.text + mail.html


CLOSED = {
    "kind", "how", "accepted_by", "field", "fields", "why", "sender_role", "account_id", "proof",
}  # fmt: skip


@pytest.mark.parametrize(("template", "event", "recipient"), SAMPLES)
def test_no_template_lets_html_through(template: Template, event: Told, recipient: str) -> None:
    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            # ids and closed lists of values are ours
            return {key: one if key in CLOSED else spoil(one) for key, one in value.items()}
        if isinstance(value, list):
            return [spoil(one) for one in value]
        return f"<b>{value}</b>" if isinstance(value, str) else value

    spoiled = type(event).model_validate(spoil(event.model_dump()))
    mail = RENDERER.render(template, spoiled, recipient)
    assert Page(mail.html).all("b") == []


def test_a_long_title_is_cut() -> None:
    mail = RENDERER.render("proposal_received", edit(title="Salle " * 40), "account:nina")
    assert len(mail.subject) < 140
    assert mail.subject.endswith("…”")


def test_a_strangers_link_is_shown_but_is_no_link() -> None:
    mail = RENDERER.render("review_opened", news(link="javascript:alert(1)"), "account:ali")
    assert "javascript:alert(1)" in mail.text
    assert not any("javascript" in (link["href"] or "") for link in Page(mail.html).all("a"))


def test_withheld_addresses_are_not_shown() -> None:
    event = edit(changes=[FieldChange(field="courriels", withheld=True)])
    mail = RENDERER.render("review_opened", event, "account:ali")
    assert mail.text.count("(adresses non affichées)") == 2
    assert Page(mail.html).text.count("(adresses non affichées)") == 2


def test_revealed_addresses_are_shown() -> None:
    event = edit(changes=[FieldChange(field="courriels", withheld=True)])
    proposed = domain.ProposedAddresses(["a@lieu.example"], ["b@lieu.example", "c@lieu.example"])
    mail = RENDERER.render("review_opened", domain.reveal(event, proposed, []), "account:ali")
    assert "avant : a@lieu.example\n  après : b@lieu.example, c@lieu.example\n" in mail.text
