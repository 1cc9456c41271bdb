"""Mails as people read them."""

import re
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.notifications import domain, rendering
from services.notifications.domain import Delivery, Template, Told
from services.notifications.rendering import AddressInvalid, Mail, Renderer, compose, wrapped
from shared.events import Author, FieldChange
from shared.events.announcements import AnnouncementPublished
from shared.events.directory import EditApplied, FieldConflict, NewsPublished
from shared.events.moderation import (
    AnnouncementRefused,
    Decision,
    EditRefused,
    NewsRefused,
    ReviewOpened,
    ReviewReminded,
)
from shared.links import DecisionLink, Links

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 30, 13, 5, tzinfo=UTC)
LINKS = Links("a-key-of-thirty-two-characters-or-more")
RENDERER = Renderer(
    LINKS, moderation_url="https://moderation.example", directory_url="https://lieux.example"
)
NINA = Author(account_id="nina", name="Nina Roux")
CHANGES = [
    FieldChange(field="horaires", old="Mo-Fr 09:00-12:00", new="Mo-Sa 10:00-18:00"),
    FieldChange(field="services", old=[], new=["Aider aux démarches", "Réparer"]),
]
DECISION = Decision(how="manager", by="venue:v1", at=NOW, reason="C'est faux.\nVoyez la façade.")
HOSTILE = '<img src=x onerror="alert(1)">\r\nBcc: victime@example.org\u202e'


def edit(**changes: Any) -> ReviewOpened:
    fields: dict[str, Any] = {
        "case_id": "c1",
        "revision": 1,
        "kind": "edit",
        "venue_id": "v1",
        "title": "Médiathèque X",
        "changes": CHANGES,
        "text": "Vu sur place.",
        "author": NINA,
        "public_addresses": 1,
        "deadline": DEADLINE,
        "opened_at": NOW,
    }
    return ReviewOpened(**fields | changes)


def reminder() -> ReviewReminded:
    return ReviewReminded(**edit().model_dump(exclude={"opened_at"}), reminded_at=NOW)


def news(**changes: Any) -> ReviewOpened:
    return edit(**{"kind": "news", "changes": [], "link": "https://atelier.example", **changes})


def announcement() -> ReviewOpened:
    return edit(kind="announcement", venue_id=None, changes=[], deadline=None)


def applied(**changes: Any) -> EditApplied:
    fields: dict[str, Any] = {
        "venue_id": "v1",
        "proposal_id": "c1",
        "venue_nom": "Médiathèque X",
        "revision": 2,
        "author": NINA,
        "accepted_by": "silence",
        "applied": CHANGES[:1],
        "unchanged": ["site_web"],
        "conflicts": [FieldConflict(field="telephone", base="1", current="2", proposed="3")],
        "refused_fields": ["nom"],
        "reason": "Le nom est le bon.",
        "public_addresses": 1,
        "applied_at": NOW,
    }
    return EditApplied(**fields | changes)


def news_published() -> NewsPublished:
    return NewsPublished(
        venue_id="v1",
        proposal_id="n1",
        venue_nom="Médiathèque X",
        author=NINA,
        accepted_by="moderator",
        titre="Atelier",
        published_at=NOW,
    )


def announcement_published() -> AnnouncementPublished:
    return AnnouncementPublished(
        announcement_id="a1",
        revision=1,
        kind="skills_call",
        titre="Bénévoles",
        lien="https://appel.example",
        ends_on=date(2026, 12, 1),
        author=NINA,
        published_at=NOW,
    )


def refused(kind: type[EditRefused | NewsRefused | AnnouncementRefused]) -> Told:
    return kind.model_validate(
        {
            "case_id": "c1",
            "revision": 2,
            "author": NINA,
            "title": "Médiathèque X",
            "decision": DECISION,
            "venue_id": "v1",
        }
    )


SAMPLES: list[tuple[Template, Told, str]] = [
    ("review_opened", edit(), "account:ali"),
    ("review_opened", edit(), "venue:v1"),
    ("review_opened", edit(deadline=None, author=Author(account_id="nina")), "venue:v1"),
    ("review_opened", news(), "account:ali"),
    ("review_reminder", reminder(), "account:ali"),
    ("proposal_received", edit(), "account:nina"),
    ("proposal_received", edit(deadline=None), "account:nina"),
    ("proposal_received", news(), "account:nina"),
    ("proposal_received", announcement(), "account:nina"),
    ("announcement_waiting", announcement(), "moderators"),
    ("edit_applied", applied(), "account:nina"),
    ("edit_applied", applied(applied=[], conflicts=[], refused_fields=[]), "account:nina"),
    ("edit_conflict", applied(), "venue:v1"),
    ("refused", refused(EditRefused), "account:nina"),
    ("refused", refused(NewsRefused), "account:nina"),
    ("refused", refused(AnnouncementRefused), "account:nina"),
    ("published", news_published(), "account:nina"),
    ("published", announcement_published(), "account:nina"),
]


class Page(HTMLParser):
    """What a browser would make of a mail: elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


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
    folder = Path(rendering.__file__).parent / "templates"
    for kind in ("txt", "html"):
        names = {path.name.removesuffix(f".{kind}.j2") for path in folder.glob(f"*.{kind}.j2")}
        wanted = {name for name in names if not name.startswith("_")} - {"layout"}
        assert wanted == {template for template, _, _ in SAMPLES}


def test_an_edit_to_decide() -> None:
    mail = RENDERER.render("review_opened", edit(), "venue:v1")
    assert mail.subject == (
        "Proposition pour “Médiathèque X” : à vous de dire (avant le 30 novembre)"
    )
    assert "Nina Roux propose" in mail.text
    assert "> Vu sur place." in mail.text
    assert (
        "Horaires d'ouverture\n  avant : Mo-Fr 09:00-12:00\n  après : Mo-Sa 10:00-18:00\n"
    ) in mail.text
    assert "avant : (vide)\n  après : Aider aux démarches, Réparer\n" in mail.text
    flat = " ".join(mail.text.split())
    assert "jusqu'au lundi 30 novembre 2026 à 14 h 05" in flat
    assert "vous demande de confirmer" in flat
    assert "cette adresse figure sur la fiche publique de “Médiathèque X”" in flat
    page = Page(mail.html)
    assert "lundi 30 novembre 2026 à 14 h 05" in page.text
    assert "vous demande de confirmer" in page.text


@pytest.mark.parametrize("recipient", ["venue:v1", "account:ali"])
@pytest.mark.parametrize("template", ["review_opened", "review_reminder"])
def test_links_let_their_holder_decide_this_case(template: Template, recipient: str) -> None:
    event = edit() if template == "review_opened" else reminder()
    mail = RENDERER.render(template, event, recipient)
    in_text = re.findall(r"https://moderation\.example/\S+", mail.text)
    in_html = [link["href"] or "" for link in Page(mail.html).all("a")]
    assert in_text == in_html
    choices = []
    for link in in_text:
        parts = urlsplit(link)
        assert LINKS.read(parts.path.removeprefix("/decision/")) == DecisionLink(
            "c1", recipient, DEADLINE
        )
        choices += parse_qs(parts.query)["choix"]
    assert choices == ["accepter", "refuser"]


@pytest.mark.parametrize(
    ("template", "event", "recipient"),
    [
        ("review_opened", edit(deadline=None), "venue:v1"),
        ("proposal_received", edit(), "account:nina"),
        ("announcement_waiting", announcement(), "moderators"),
    ],
)
def test_nobody_else_gets_a_decision_link(template: Template, event: Told, recipient: str) -> None:
    mail = RENDERER.render(template, event, recipient)
    assert "/decision/" not in mail.text + mail.html


def test_values_cannot_become_headers_or_html() -> None:
    hostile = edit(
        title=HOSTILE,
        text=HOSTILE,
        author=Author(account_id="x", name=HOSTILE),
        changes=[FieldChange(field="nom", old=HOSTILE, new=[HOSTILE, HOSTILE])],
    )
    mail = RENDERER.render("review_opened", hostile, "venue:v1")
    message = as_received(mail)
    assert message["Bcc"] is None
    assert not any(line.startswith("Bcc") for line in mail.text.splitlines())
    assert not {"img", "script"} & {tag for tag, _ in Page(mail.html).elements}
    assert "\u202e" not in mail.subject + mail.text + mail.html


@pytest.mark.parametrize(("template", "event", "recipient"), SAMPLES)
def test_no_template_lets_html_through(template: Template, event: Told, recipient: str) -> None:
    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            # ids and closed lists of values are ours
            return {
                key: one if key in {"kind", "how", "accepted_by", "field"} else spoil(one)
                for key, one in value.items()
            }
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


def test_an_applied_edit_says_what_became_of_each_field() -> None:
    mail = RENDERER.render("edit_applied", applied(), "account:nina")
    assert mail.subject == "Votre proposition pour “Médiathèque X” est en ligne en partie"
    flat = " ".join(mail.text.split())
    assert "parce que personne ne s'y est opposé" in flat
    assert "maintenant : Mo-Sa 10:00-18:00" in flat
    assert "déjà comme vous le proposiez : - Site web" in flat
    assert "pas été retenu : - Nom La raison donnée : > Le nom est le bon." in flat
    assert "entre-temps" in flat
    assert "en ligne aujourd'hui : 2 vous proposiez : 3" in flat
    assert "https://lieux.example/venues/v1" in flat


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"conflicts": [], "refused_fields": []}, "est en ligne"),
        ({"applied": [], "refused_fields": []}, "a croisé une autre modification"),
        ({"applied": [], "conflicts": [], "refused_fields": []}, "était déjà en ligne"),
    ],
)
def test_the_subject_never_promises_more_than_is_online(
    changes: dict[str, Any], ending: str
) -> None:
    mail = RENDERER.render("edit_applied", applied(**changes), "account:nina")
    assert mail.subject == f"Votre proposition pour “Médiathèque X” {ending}"


@pytest.mark.parametrize(
    ("how", "by"),
    [("manager", "les responsables du lieu"), ("moderator", "l'équipe de modération")],
)
def test_a_refusal_says_who_and_why(how: str, by: str) -> None:
    event = refused(EditRefused)
    assert isinstance(event, EditRefused)
    event = event.model_copy(update={"decision": DECISION.model_copy(update={"how": how})})
    mail = RENDERER.render("refused", event, "account:nina")
    assert f"n'a pas été retenue par {by}." in " ".join(mail.text.split())
    assert "> C'est faux.\n> Voyez la façade.\n" in mail.text


@pytest.mark.parametrize(
    ("template", "event", "recipient", "why"),
    [
        ("review_opened", edit(), "account:ali", "vous êtes responsable de la fiche"),
        ("review_opened", edit(), "venue:v1", "cette adresse figure sur la fiche publique"),
        ("edit_conflict", applied(), "account:ali", "vous êtes responsable de la fiche"),
        ("announcement_waiting", announcement(), "moderators", "cette adresse reçoit"),
        ("proposal_received", edit(), "account:nina", "vous avez proposé une modification"),
        ("published", news_published(), "account:nina", "vous avez proposé une actualité"),
        ("published", announcement_published(), "account:nina", "vous avez proposé une annonce"),
    ],
)
def test_every_mail_says_why(template: Template, event: Told, recipient: str, why: str) -> None:
    text = RENDERER.render(template, event, recipient).text
    assert f"Vous recevez ce message parce que {why}" in " ".join(text.split())


def test_the_last_day_of_an_announcement() -> None:
    mail = RENDERER.render("published", announcement_published(), "account:nina")
    assert "jusqu'au 1er décembre 2026." in mail.text


def test_long_lines_are_wrapped_under_their_beginning() -> None:
    assert wrapped(f"Nom\n  avant : {'mot ' * 20}\n> {'mot ' * 20}\n\n\n\nfin : {'x' * 80}\n") == (
        "Nom\n"
        "  avant : mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot\n"
        "    mot mot mot mot mot\n"
        "> mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot\n"
        "> mot mot mot\n"
        "\n"
        "fin :\n"
        f"{'x' * 80}\n"
    )


def delivery(recipient: str = "account:ali") -> Delivery:
    event = edit(managers=["ali"])
    notices = [one for one in domain.plan(event) if one.recipient == recipient]
    [one] = domain.deliveries(event, notices, correlation_id="corr-1", moment=NOW)
    return one


def composed(mail: Mail, address: str) -> EmailMessage:
    sender = "mednum <ne-pas-repondre@mednum.example>"
    return compose(mail, delivery(), sender=sender, address=address, moment=NOW)


def as_received(mail: Mail, address: str = "ali@example.org") -> EmailMessage:
    message = message_from_bytes(composed(mail, address).as_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_message_has_its_headers_and_both_bodies() -> None:
    mail = RENDERER.render("review_opened", edit(), "account:ali")
    message = as_received(mail)
    assert message["Date"].datetime == NOW
    assert message["From"] == "mednum <ne-pas-repondre@mednum.example>"
    assert message["To"] == "ali@example.org"
    assert message["Subject"] == mail.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Correlation-Id"] == "corr-1"
    assert message["Content-Language"] == "fr"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text
    assert html
    assert text.get_content().splitlines() == mail.text.splitlines()
    assert html.get_content().splitlines() == mail.html.splitlines()


def test_the_message_id_is_the_same_each_time_and_each_address_has_its_own() -> None:
    mail = RENDERER.render("review_opened", edit(), "account:ali")
    first, again = composed(mail, "ali@example.org"), composed(mail, "ali@example.org")
    other = composed(mail, "ali2@example.org")
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{32}@mednum\.example>", first["Message-ID"])


@pytest.mark.parametrize(
    "address", ["", "ali", "ali@", "ali@x\r\nBcc: b@example.org", "a b@example.org", "a@b, c@d"]
)
def test_what_is_no_address_is_not_written_to(address: str) -> None:
    mail = Mail("Sujet", "texte\n", "<p>texte</p>")
    with pytest.raises(AddressInvalid):
        composed(mail, address)
