"""What else than its text is to be read of a call, in French, a line each."""

import datetime as dt
from collections.abc import Iterator

from services.announcements.domain.calls import Call, Contact, FundingCall, SkillsCall

HELP = {
    "job": "emploi",
    "volunteering": "bénévolat",
    "internship": "stage",
    "service": "prestation",
}
SCALES = {"commune": "commune", "departement": "département", "region": "région"}


def details(call: Call) -> list[str]:
    """What moderators and readers of feeds see beside the text; never an address of a person."""
    return [f"{name} : {value}" for name, value in _facts(call).items()]


def changes(before: Call, after: Call) -> list[str]:
    """What another text takes away or puts in place of what is online, for who must decide."""
    old, new = _all(before), _all(after)
    return [
        f"{name} jusqu'ici : {old.get(name, 'rien')}"
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    ] + (["Les contacts changent."] if before.contacts != after.contacts else [])


def _all(call: Call) -> dict[str, str]:
    """All that can be shown to have changed but figures, which move by themselves."""
    facts = {"Titre": call.titre, "Texte": call.texte, "Lien": call.lien, **_facts(call)}
    facts.pop("Déjà réuni", None)
    return facts


def _facts(call: Call) -> dict[str, str]:
    facts = _of_skills(call) if isinstance(call, SkillsCall) else _of_funding(call)
    facts |= {
        "Structure": call.structure,
        "Lieu concerné": call.venue_id,
        "Territoire": _territory(call.territoire),
        "Contact": ", ".join(_contacts(call.contacts)),
        "Dates de sélection": ", ".join(_french(day) for day in call.waves),
        "Dernier jour": _french(call.ends_on) if call.ends_on else None,
    }
    return {name: value for name, value in facts.items() if value}


def _of_skills(call: SkillsCall) -> dict[str, str | None]:
    where = [call.place] if call.place else []
    return {
        "Type": HELP[call.help_kind],
        "Lieu": " ou ".join([*where, *(["à distance"] if call.remote else [])]),
        "Compétences": ", ".join(call.skills),
    }


def _of_funding(call: FundingCall) -> dict[str, str | None]:
    unit = "commandes" if call.presale else call.currency
    return {
        "Plateforme": call.platform,
        "Objectif": f"{call.goal:,} {unit}".replace(",", " "),
        "Déjà réuni": f"{call.raised:,} {unit}".replace(",", " "),
    }


def _contacts(contacts: list[Contact]) -> Iterator[str]:
    for contact in contacts:
        said = f"{contact.nom} ({contact.site})" if contact.site else contact.nom
        if "@" not in said:
            yield said


def _territory(territory: str | None) -> str | None:
    scale, _, code = (territory or "").partition(":")
    return f"{SCALES[scale]} {code}" if scale in SCALES else "France" if scale else None


def _french(day: dt.date) -> str:
    return day.strftime("%d/%m/%Y")
