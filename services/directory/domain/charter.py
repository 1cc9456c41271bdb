"""The network's charter: what whoever manages a sheet promises, by dated versions."""

import datetime as dt
from collections.abc import Mapping

from pydantic import AwareDatetime, BaseModel

from shared.errors import Problem


class Promise(BaseModel):
    """One promise of the charter."""

    titre: str
    texte: str


class Charter(BaseModel):
    """One version of the charter; a published one never changes, another takes its place."""

    version: str
    date: dt.date
    """From when on it is the one to accept."""
    titre: str
    preambule: str
    engagements: tuple[Promise, ...]


class Acceptance(BaseModel):
    """An account has accepted a version of the charter, for one venue."""

    account_id: str
    venue_id: str
    version: str
    accepted_at: AwareDatetime

    @property
    def id(self) -> str:
        """One per account, venue and version."""
        return f"{self.account_id}:{self.venue_id}:{self.version}"


class CharterNotAccepted(Problem):
    """The present version was not accepted; the answer names it and where it is to be read."""

    type = "charter-not-accepted"
    status = 409
    title = "Il faut d'abord accepter la charte du réseau."


class NothingToAccept(Problem):
    """Only those who manage a sheet, or ask for it, accept the charter for it."""

    type = "charter-for-managers"
    status = 403
    title = "La charte s'accepte en demandant à gérer une fiche, ou quand on la gère déjà."


CHARTERS: tuple[Charter, ...] = (
    Charter(
        version="2026-1",
        date=dt.date(2026, 11, 2),
        titre="Charte des lieux du réseau",
        preambule=(
            "En devenant responsable d'une fiche, je parle au nom d'un lieu qui aide les gens avec "
            "le numérique. Je m'engage, avec mon équipe, à ce qui suit."
        ),
        engagements=(
            Promise(
                titre="Accueillir tout le monde",
                texte=(
                    "Nous recevons chaque personne avec respect et patience, à son niveau et à son "
                    "rythme. Si nous ne pouvons pas l'aider, nous l'orientons vers un autre lieu."
                ),
            ),
            Promise(
                titre="Rester neutres",
                texte=(
                    "Nous ne profitons pas de l'accompagnement pour défendre une opinion "
                    "politique, religieuse ou commerciale. Les actualités et les annonces du lieu "
                    "parlent de ce qui s'y passe."
                ),
            ),
            Promise(
                titre="Ne rien vendre sous pression",
                texte=(
                    "Nos tarifs sont écrits sur la fiche. Personne n'est poussé à acheter, à "
                    "s'abonner ou à adhérer pour être aidé, et ce qui est annoncé gratuit l'est."
                ),
            ),
            Promise(
                titre="Protéger les données des personnes",
                texte=(
                    "Nous ne gardons ni mots de passe, ni codes, ni papiers. Ce que nous voyons "
                    "pendant un accompagnement reste entre la personne et nous. La fiche ne montre "
                    "que ce que les personnes concernées acceptent d'y voir."
                ),
            ),
            Promise(
                titre="Tenir la fiche à jour",
                texte=(
                    "Les horaires, l'adresse, les services et les tarifs sont ceux d'aujourd'hui. "
                    "Nous corrigeons la fiche dès qu'ils changent, annonçons les fermetures, et "
                    "confirmons au moins une fois par an qu'elle est toujours juste."
                ),
            ),
            Promise(
                titre="Répondre en une semaine",
                texte=(
                    "Quand quelqu'un propose une correction, nous répondons dans les sept jours, "
                    "avec une raison si nous refusons. Sans réponse, ce que personne ne conteste "
                    "est mis en ligne."
                ),
            ),
            Promise(
                titre="Passer la main",
                texte=(
                    "Si nous quittons le lieu, nous le disons à l'équipe du réseau, pour que la "
                    "fiche ne reste pas entre les mains de quelqu'un qui n'y est plus."
                ),
            ),
        ),
    ),
)
"""Every version, oldest first; the last one is to be accepted."""

CURRENT = CHARTERS[-1]
WHERE = "/charter"
"""Where it is to be read."""


def check_accepted(version: str | None) -> None:
    """Raise `CharterNotAccepted` unless this is the present version."""
    if version == CURRENT.version:
        return
    if version is None:
        detail = "Lisez la charte, puis indiquez la version que vous acceptez."
    else:
        detail = f"La version « {version} » n'est pas, ou n'est plus, celle de la charte."
    raise CharterNotAccepted(detail, current=CURRENT.version, read_at=WHERE)


def to_accept_again(
    managed: Mapping[str, list[Acceptance]],
) -> list[str]:
    """The venues among these whose present charter was not accepted."""
    return [
        venue_id
        for venue_id, accepted in managed.items()
        if not any(one.version == CURRENT.version for one in accepted)
    ]
