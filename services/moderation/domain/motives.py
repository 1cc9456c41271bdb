"""Motives and messages ready to use; each can be completed by hand."""

MOTIVES = {
    "already_right": "L'information en ligne est déjà juste.",
    "not_verified": "Nous n'avons pas pu vérifier cette information.",
    "source_needed": "Indiquez d'où vient cette information (site du lieu, affiche, appel…).",
    "not_this_venue": "Cette information concerne un autre lieu.",
    "outdated": "Cette information n'est plus d'actualité.",
    "incomplete": "Il manque une partie de l'information pour pouvoir la mettre en ligne.",
    "wrong_field": "Cette information va dans un autre champ de la fiche.",
    "off_topic": "Ce contenu ne porte pas sur la médiation numérique.",
    "advertising": "Ce contenu fait la promotion d'un produit ou d'un service payant.",
    "personal_data": "Ce contenu nomme ou décrit une personne qui n'en a peut-être pas décidé.",
    "link_not_working": "Le lien donné ne mène pas à la page annoncée.",
    "duplicate": "La même proposition est déjà en cours d'examen.",
    "charter": "Ce contenu ne suit pas la charte du réseau.",
}
"""Why a proposal is not accepted, for the person who made it."""

MESSAGES = {
    "thanks": "Merci pour votre proposition, nous la regardons.",
    "source": "Pouvez-vous nous dire d'où vient cette information ?",
    "confirm": "Pouvez-vous nous confirmer cette information ?",
    "precise": "Pouvez-vous préciser ce qui a changé ?",
    "called": "Nous avons essayé de joindre le lieu et attendons sa réponse.",
}
"""What is often asked in a thread."""


def completed(table: dict[str, str], slug: str | None, text: str | None) -> str | None:
    """A sentence of a table followed by free words; either may be missing."""
    parts = [table[slug]] if slug else []
    if text and text.strip():
        parts.append(text.strip())
    return " ".join(parts) or None
