"""What mails say."""

from typing import Any

import pytest

from services.notifications.domain import Refusal, Template, Told
from shared.events import Author
from shared.events.moderation import (
    AnnouncementRefused,
    ClaimRefused,
    EditRefused,
    Held,
    NewsRefused,
    ReportDismissed,
)
from tests.unit.notifications_page import Page
from tests.unit.notifications_samples import (
    DECISION,
    HELD,
    HELD_WHOLE,
    RENDERER,
    SILENCE,
    announcement,
    announcement_published,
    applied,
    by_moderator,
    claim,
    contested,
    edit,
    message,
    news,
    news_published,
    refused,
    reminder,
    report,
    reverted,
    review_asked,
    shortcut,
    unreachable,
)


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


def flat(template: Template, event: Told, recipient: str = "account:nina") -> str:
    """A mail's text on one line."""
    mail = RENDERER.render(template, event, recipient)
    return " ".join(mail.text.split())


OPEN = f"Horaires d'ouverture : {HELD.sentence}"
ALSO = Held(rule="services_removed", fields=["services"], sentence="Retirer des services.")


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([], "Sans réponse d'ici là, la proposition sera acceptée."),
        ([HELD], f"ici le silence ne suffit pas, il faut une réponse. - {OPEN}"),
        ([HELD, ALSO], "sans réponse d'ici là, la proposition ne sera pas acceptée."),
        ([HELD_WHOLE], "sans réponse d'ici là, la proposition ne sera pas acceptée."),
    ],
)
@pytest.mark.parametrize("template", ["review_opened", "review_reminder"])
def test_managers_read_what_silence_does(
    template: Template, held: list[Held], sentence: str
) -> None:
    event = edit(held=held) if template == "review_opened" else reminder(held=held)
    said = flat(template, event, "venue:v1")
    assert sentence in said
    assert all(one.sentence in said for one in held)
    page = Page(RENDERER.render(template, event, "venue:v1").html)
    assert all(one.sentence in page.text for one in held)


def test_authors_read_which_of_their_information_waits_for_an_answer() -> None:
    said = flat("proposal_received", edit(held=[HELD]))
    assert "Sans réponse d'ici là, elle sera acceptée, sauf ce qui suit." in said
    assert f"sans elle, elles ne seront pas mises en ligne. - {OPEN}" in said
    said = flat("proposal_received", edit(held=[HELD_WHOLE]))
    assert "Elle demande une réponse : sans elle, elle ne sera pas mise en ligne." in said


@pytest.mark.parametrize(
    ("changes", "deciders"),
    [
        ({}, "Les responsables du lieu peuvent"),
        ({"for_moderators": True}, "Les responsables du lieu ou l'équipe de modération peuvent"),
        (
            {"public_addresses": 0, "for_moderators": True},
            "pas d'adresse pour joindre ce lieu. L'équipe de modération peut",
        ),
    ],
)
def test_authors_read_who_decides(changes: dict[str, Any], deciders: str) -> None:
    assert f"{deciders} l'accepter" in flat("proposal_received", edit(**changes))


@pytest.mark.parametrize(
    ("event", "heading", "opening"),
    [
        (edit(), "Proposition", "propose de corriger la fiche de"),
        (news(), "Actualité", "propose une actualité pour la page de"),
        (announcement(), "Annonce", "propose une annonce :"),
        (report(), "Signalement", "signale un problème au sujet de"),
        (claim(), "Demande de gestion", "demande à gérer la fiche de"),
    ],
)
def test_moderators_read_what_it_is(event: Told, heading: str, opening: str) -> None:
    mail = RENDERER.render("moderators_waiting", event, "moderators")
    assert mail.subject.startswith(f"{heading} à examiner : “Médiathèque X”")
    assert f"Nina Roux {opening} “Médiathèque X”" in " ".join(mail.text.split())


def test_moderators_read_why_they_are_asked() -> None:
    nobody = flat("moderators_waiting", edit(public_addresses=0), "moderators")
    assert "Nous n'avons pas d'adresse pour joindre ce lieu : c'est à vous de répondre." in nobody
    held = flat("moderators_waiting", edit(held=[HELD]), "moderators")
    assert f"Pourquoi le silence ne suffit pas : - {OPEN}" in held
    assert "Les responsables du lieu l'ont reçue aussi." in held
    lost = flat("moderators_escalated", unreachable(), "moderators")
    assert "Aucun des courriels que nous avons envoyés aux responsables" in lost


def test_an_objection_is_shown_with_its_reason() -> None:
    for template, recipient in (
        ("review_contested", "venue:v1"),
        ("moderators_escalated", "moderators"),
    ):
        mail = RENDERER.render(template, contested(), recipient)
        assert "Quelqu'un n'est pas d'accord" in mail.subject
        assert "> C'est l'horaire d'été.\n> Voyez le site.\n" in mail.text
        assert "Voyez le site." in Page(mail.html).text


def test_a_message_says_who_wrote_it_and_the_team_answers_as_one() -> None:
    said = flat("message_posted", message())
    assert "Ali, responsable du lieu, a écrit à propos de votre proposition" in said
    by_link = message(sender=Author(account_id="venue:v1"))
    assert "Une personne responsable du lieu a écrit" in flat("message_posted", by_link)
    team = message(sender=Author(account_id="mo", name="Mo D."), sender_role="moderator")
    assert "L'équipe de modération a écrit" in flat("message_posted", team)
    assert "Mo D." not in flat("message_posted", team)


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
    event = refused(EditRefused, decision=DECISION.model_copy(update={"how": how}))
    said = flat("refused", event)
    assert f"n'a pas été retenue par {by}. C'est une personne qui l'a lue" in said
    assert "> C'est faux. > Voyez la façade." in said
    assert "la corriger et la renvoyer depuis votre espace, sans tout retaper" in said
    assert "autre personne de l'équipe" not in said


def test_a_refusal_by_the_clock_is_nobodys_judgement() -> None:
    said = flat("refused", refused(EditRefused, decision=SILENCE))
    assert "C'est la fin du délai qui en a décidé, pas une personne" in said
    assert f"Pourquoi il fallait une réponse : - {OPEN}" in said
    assert "responsables du lieu" not in said.partition("Vous recevez")[0]
    assert "la renvoyer depuis votre espace" in said


@pytest.mark.parametrize(
    "event", [EditRefused, NewsRefused, AnnouncementRefused, ReportDismissed, ClaimRefused]
)
def test_a_refusal_says_until_when_another_person_can_look(event: type[Refusal]) -> None:
    mail = RENDERER.render("refused", refused(event, **by_moderator()), "account:nina")
    said = " ".join(mail.text.split())
    assert "Jusqu'au mercredi 23 décembre 2026 à 10 h 00 (heure de Paris), vous pouvez" in said
    assert "mercredi 23 décembre 2026 à 10 h 00" in Page(mail.html).text


def test_an_edit_online_at_once_says_why_and_that_it_can_be_undone() -> None:
    said = flat("edit_applied", shortcut())
    assert "a été mise en ligne tout de suite" in said
    assert "Seuls changent des majuscules, des espaces ou de la ponctuation." in said
    assert "peuvent encore l'annuler" in said
    told = flat("edit_shortcut", shortcut(), "venue:v1")
    assert "avant : MEDIATHEQUE maintenant : Médiathèque" in told
    assert "Sinon, corrigez la fiche : https://lieux.example/venues/v1" in told


def test_an_edit_applied_in_part_by_the_clock_says_what_was_missing() -> None:
    said = flat("edit_applied", applied(reason=None, held=[HELD], conflicts=[]))
    assert "acceptée en partie, à la fin du délai prévu" in said
    assert "personne ne s'y est opposé" not in said
    assert f"pas une personne : - {OPEN}" in said
    assert "la corriger et la renvoyer" in said


def test_what_was_undone_is_said_with_its_reason_and_what_can_be_done() -> None:
    said = flat("reverted", reverted())
    assert "la fiche est à nouveau comme avant" in said
    assert "> Le lieu a appelé : rien n'a changé." in said
    assert "proposez-la à nouveau en disant d'où vient l'information" in said


@pytest.mark.parametrize(
    ("template", "event", "recipient", "why"),
    [
        ("review_opened", edit(), "account:ali", "vous êtes responsable de la fiche"),
        ("review_opened", edit(), "venue:v1", "cette adresse figure sur la fiche publique"),
        ("message_posted", message(), "account:ali", "vous êtes responsable de la fiche"),
        ("sheet_review", review_asked(), "account:bea", "vous êtes responsable de la fiche"),
        ("edit_conflict", applied(), "account:ali", "vous êtes responsable de la fiche"),
        ("moderators_waiting", announcement(), "moderators", "cette adresse est celle de"),
        ("proposal_received", edit(), "account:nina", "vous avez proposé une modification"),
        ("proposal_received", report(), "account:nina", "vous avez envoyé un signalement"),
        ("proposal_received", claim(), "account:nina", "vous avez demandé à gérer une fiche"),
        ("published", news_published(), "account:nina", "vous avez proposé une actualité"),
        ("published", announcement_published(), "account:nina", "vous avez proposé une annonce"),
    ],
)
def test_every_mail_says_why(template: Template, event: Told, recipient: str, why: str) -> None:
    text = RENDERER.render(template, event, recipient).text
    assert f"Vous recevez ce message parce que {why}" in " ".join(text.split())


def test_a_reminder_says_since_when_and_what_comes_next() -> None:
    said = flat("sheet_review", review_asked(), "account:ali")
    assert "Personne n'a relu ni modifié la fiche de “Médiathèque X” depuis le 1er mai 2026" in said
    assert "- Horaires d'ouverture : Mo-Fr 09:00-12:00" in said
    assert "- Site web : (vide)" in said
    assert "nous vous le redemanderons dans six mois" in said
    last = flat("sheet_review", review_asked(number=3), "account:ali")
    assert "notre dernier rappel" in last
    assert "redemanderons" not in last


def test_the_last_day_of_an_announcement() -> None:
    mail = RENDERER.render("published", announcement_published(), "account:nina")
    assert "jusqu'au 1er décembre 2026." in mail.text
