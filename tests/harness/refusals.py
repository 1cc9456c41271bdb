"""What a refusal looks like to the programs and the people who get one."""

import re
import time
from datetime import timedelta
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey

from shared.database import now
from shared.links import DecisionLink, Links
from tests.harness.system import JWT_KEY, LINK_KEY, token

TITLES = {
    "index-not-ready": "La recherche se prépare, réessayez dans un instant.",
    "partner-unknown": "Ce partenaire n'existe pas.",
    "wrong-door": (
        "Ce partenaire n'envoie pas d'événements : il a une adresse à lui pour ses notes."
    ),
    "partner-suspended": "Ce partenaire est suspendu : ses envois ne sont pas pris pour l'instant.",
    "partner-not-active": "Ce partenaire est suspendu : réactivez-le d'abord.",
    "partner-not-suspended": "Ce partenaire n'est pas suspendu : suspendez-le d'abord.",
    "partner-exists": "Un partenaire porte déjà ce nom.",
    "key-not-usable": "Cette clé n'est pas utilisable.",
    "delivery-unknown": "Cet envoi n'existe pas.",
    "delivery-not-replayable": (
        "Cet envoi ne peut pas être rejoué : il a été refusé à son arrivée, ou attend encore."
    ),
    "signature-invalid": "La signature de cet envoi manque ou n'est pas valable.",
    "timestamp-outside-tolerance": (
        "L'heure de cet envoi s'écarte de plus de cinq minutes de la nôtre."
    ),
    "batch-too-large": "Un envoi peut contenir au plus 100 événements.",
    "content-type-unknown": "Ce type de contenu n'est pas celui d'un CloudEvent en JSON.",
    "delivery-id-reused": "Cet identifiant d'envoi a déjà servi pour un autre contenu.",
    "too-many-deliveries": "Trop d'envois en une minute : réessayez un peu plus tard.",
    "too-many-validations": "Trop de fichiers en une minute : réessayez un peu plus tard.",
    "charter-for-managers": (
        "La charte s'accepte en demandant à gérer une fiche, ou quand on la gère déjà."
    ),
    "charter-not-accepted": "Il faut d'abord accepter la charte du réseau.",
    "claim-not-found": "Cette demande n'existe pas.",
    "claim-over": "Cette demande a déjà reçu une réponse.",
    "claim-waiting": (
        "Vous avez déjà demandé à gérer cette fiche : cette demande attend une réponse."
    ),
    "proof-impossible": "Cette preuve n'est pas possible pour cette fiche.",
    "too-many-mails": "Trop de courriels ont été envoyés à ce lieu : réessayez plus tard.",
    "mediator-not-found": "Cette médiatrice ou ce médiateur n'est pas dans l'annuaire.",
    "not-itinerant": "Seul un lieu itinérant a des arrêts.",
    "stops-changed": ("Les arrêts ont changé depuis que vous les avez lus : relisez-les d'abord."),
    "already-merged": "L'autre fiche est déjà fusionnée.",
    "already-unmerged": "Cette fusion est déjà annulée.",
    "duplicate-not-found": "Cette paire de fiches n'existe pas.",
    "merge-not-found": "Cette fusion n'existe pas.",
    "merged-venue": "Ce lieu a été fusionné avec un autre : sa fiche a un autre identifiant.",
    "merged-with-itself": "Une fiche ne peut pas être fusionnée avec elle-même.",
    "unreadable-pairs": "Ces fichiers ne se lisent pas comme des fiches et des paires.",
    "venue-changed": (
        "L'une des fiches a changé depuis que vous l'avez ouverte : relisez-la d'abord."
    ),
    "territory-not-found": "Ce territoire n'existe pas.",
    "dump-not-found": "Cet export n'existe pas, ou pas encore.",
    "already-manager": "Vous êtes déjà responsable de cette fiche.",
    "about-to-close": "Le délai est passé : seule une décision compte encore.",
    "account-too-new": (
        "Votre compte est encore trop récent pour soutenir ou contester une proposition."
    ),
    "already-decided": "Une décision a déjà été prise sur cette proposition.",
    "announcement-changed": (
        "Cette annonce a changé depuis que vous l'avez ouverte : relisez-la d'abord."
    ),
    "announcement-duplicate": "Ce lien est déjà celui d'une autre annonce.",
    "announcement-not-found": "Cette annonce n'existe pas.",
    "announcement-state": "L'état de cette annonce ne permet pas cela.",
    "another-moderator": "Le réexamen revient à une autre personne que celle qui a décidé.",
    "bad-request": "La demande n'a pas pu être lue.",
    "case-changed": (
        "Ce dossier a changé depuis que vous l'avez ouvert : relisez-le avant de répondre."
    ),
    "case-not-found": "Ce dossier n'existe pas.",
    "delivery-not-found": "Cet envoi n'existe pas, ou n'est plus conservé.",
    "undo-its-approval": (
        "Pour retirer l'annonce de quelqu'un d'autre, refusez son texte ou annulez-en l'accord."
    ),
    "correct-own-text": "C'est votre annonce : vous pouvez en changer le texte vous-même.",
    "invalid-input": "Certaines informations ne sont pas valables.",
    "link-expired": "Ce lien n'est plus valable : le délai pour répondre est passé.",
    "link-forged": "Ce lien n'est pas valable. Recopiez-le en entier depuis le courriel.",
    "managers-first": (
        "Ce lieu a une personne responsable joignable : c'est à elle de décider. "
        "Si vous n'êtes pas d'accord, faites une objection."
    ),
    "managers-word-binds": "La personne responsable du lieu en a décidé : sa décision tient.",
    "method-not-allowed": "Cette action n'existe pas à cette adresse.",
    "no-text-waiting": "Aucun texte de cette annonce n'attend de réponse.",
    "no-appeal": "Cette décision ne peut pas, ou plus, être réexaminée.",
    "not-a-csv-file": (
        "Ce fichier n'est pas un CSV du schéma national des lieux de médiation numérique."
    ),
    "not-a-decider": "Vous ne pouvez pas décider de cette proposition.",
    "not-allowed": "Vous n'avez pas le droit de faire cela.",
    "not-authenticated": "Il faut se connecter pour faire cela.",
    "not-found": "Cette page n'existe pas.",
    "not-the-author": "Seule la personne qui a fait la proposition peut faire cela.",
    "nothing-to-revert": "Il n'y a rien à annuler : cette proposition n'est pas en ligne.",
    "out-of-scope": "Ce dossier ne fait pas partie de ceux qui vous sont confiés.",
    "own-proposal": "Vous ne pouvez pas donner d'avis sur votre propre proposition.",
    "plan-changed": "La liste a changé depuis l'essai à blanc : relancez-le et vérifiez-la.",
    "proposal-not-found": "Cette proposition n'existe pas.",
    "not-delisted": "Cette fiche n'a pas quitté les listes.",
    "notice-not-found": "Cette information temporaire n'existe pas.",
    "too-many-notices": ("Ce lieu a déjà dix informations temporaires : supprimez-en une d'abord."),
    "sheet-changed": ("Cette fiche a changé depuis que vous l'avez ouverte : relisez-la d'abord."),
    "subscription-disabled": "Cet abonnement est désactivé : réactivez-le d'abord.",
    "subscription-not-found": "Cet abonnement n'existe pas.",
    "resource-not-allowed": (
        "Cette notification ne désigne pas un projet de la plateforme attendue."
    ),
    "taken": "Une autre personne de l'équipe s'occupe de ce dossier.",
    "too-large": "La demande est trop volumineuse.",
    "too-many-secrets": (
        "Trop d'anciens secrets signent encore : attendez que l'un d'eux s'éteigne."
    ),
    "too-many-subscriptions": "Vous avez atteint le nombre maximal d'abonnements.",
    "unknown-revision": "Cette version de la fiche n'existe pas.",
    "venue-not-found": "Ce lieu n'existe pas dans l'annuaire.",
}
"""Types that programs rely on, and what people read."""

_ENGLISH = re.compile(
    r"\b(should|must|input|valid|value|field|string|unable|expected|unexpected|least|most|than)\b"
)


def in_french(sentence: str) -> bool:
    """Whether people can read it: not a library's own words."""
    return bool(sentence) and not _ENGLISH.search(sentence)


def refused(answer: httpx.Response, status: int, kind: str, *invalid: tuple[str, str]) -> Any:
    """The problem document of a refusal; `invalid` are the fields with the rules they break."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:mednum:problem:{kind}"
    assert body["status"] == status
    assert body["title"] == TITLES[kind]
    wrong = body.get("invalid_params", [])
    if invalid:
        assert [(one["field"], one["rule"]) for one in wrong] == list(invalid)
    for one in wrong:
        assert in_french(one["message"]), one
    return body


def refused_on_a_page(answer: httpx.Response, status: int, sentence: str) -> None:
    """Check that a person, in a browser, is told so in French."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    assert '<html lang="fr">' in answer.text
    assert sentence in answer.text.replace("&#39;", "'"), answer.text


def _signed(claims: dict[str, Any], key: str = JWT_KEY) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))


def bad_authorizations() -> dict[str, str | None]:
    """`Authorization` headers that let nobody in, by what is wrong with them."""
    good = token("mallory", "admin")
    claims = {"sub": "mallory", "roles": ["admin"], "exp": int(time.time()) + 600}
    head, body, signature = good.split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    bad = {
        "expired": token("mallory", "admin", expires_in=-3600),
        "forged": f"{head}.{body}.{signature[::-1]}",
        "changed": f"{head}.{_signed({**claims, 'sub': 'alice'}).split('.')[1]}.{signature}",
        "unsigned": f"{unsigned}.{body}.",
        "wrong key": _signed(claims, "another-secret-of-at-least-32-characters"),
        "without end": _signed({"sub": "mallory", "roles": ["admin"]}),
        "without account": _signed({"exp": claims["exp"], "roles": ["admin"]}),
        "an address as account": _signed({**claims, "sub": "mallory@courriel.example.org"}),
        "roles no list": _signed({**claims, "roles": "admin"}),
        "a link of a mail": Links(LINK_KEY).sign(
            DecisionLink("case", "account:mallory", now() + timedelta(days=1))
        ),
        "no token": "rien",
    }
    return {
        "missing": None,
        "empty": "Bearer",
        "another scheme": "Basic bWFsbG9yeTptYWxsb3J5",
        **{name: f"Bearer {one}" for name, one in bad.items()},
    }
