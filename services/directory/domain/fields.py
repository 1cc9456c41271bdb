"""What somebody should know of a field before they propose another value."""

import datetime as dt

from pydantic import BaseModel

from services.directory.domain.fiche import COLUMNS, known, public_addresses
from services.directory.domain.provenance import MONTHS_OUTRANKED, Origin
from services.directory.domain.venues import Venue
from shared.events import FieldValue
from shared.french import PARIS

READ_ONLY = "Ce champ ne se modifie pas."
BINDS = "Vous êtes responsable de ce lieu : votre modification est en ligne aussitôt."
MANAGERS_ASKED = (
    "Les responsables du lieu sont prévenus. Sans objection, votre proposition est en ligne au "
    "plus tard dans une semaine ; une fermeture, une adresse de courriel, l'identité légale ou un "
    "déplacement lointain attendent une réponse."
)
MODERATORS_ASKED = (
    "Personne ne peut être prévenu pour ce lieu : l'équipe de modération lit votre proposition."
)


class FieldGuide(BaseModel):
    """One field: its value, where it comes from, and what becomes of an edit."""

    field: str
    value: FieldValue
    editable: bool
    required: bool
    choices: list[str]
    """The only values there are; empty if the field is free."""
    origin: Origin | None
    """None for a field that was never filled."""
    protected_until: dt.datetime | None
    """Until when no import changes the value."""
    on_edit: str
    """In French: who is asked."""
    on_import: str
    """In French: what imports may do to the value that is there, and to an edited one."""


def field_guides(venue: Venue, account: str | None, now: dt.datetime) -> list[FieldGuide]:
    """All fields of a sheet, in the schema's order, for somebody (None: without an account)."""
    manages = account in venue.managers
    return [_guide(venue, name, manages, now) for name in COLUMNS]


def _guide(venue: Venue, name: str, manages: bool, now: dt.datetime) -> FieldGuide:
    column, value = COLUMNS[name], known(name, venue.fiche.get(name))
    origin = None if value is None and name not in venue.origins else venue.origin(name)
    until = origin.protected_until if origin else None
    protected = until if until and until > now else None
    return FieldGuide(
        field=name,
        value=value,
        editable=column.editable,
        required=column.required,
        choices=list(column.choices),
        origin=origin,
        protected_until=protected,
        on_edit=_on_edit(venue, manages) if column.editable else READ_ONLY,
        on_import=_on_import(protected, origin, manages) if column.editable else "",
    )


def _on_edit(venue: Venue, manages: bool) -> str:
    if manages:
        return BINDS
    reachable = venue.managers or public_addresses(venue.fiche)
    return MANAGERS_ASKED if reachable else MODERATORS_ASKED


def _on_import(protected: dt.datetime | None, origin: Origin | None, manages: bool) -> str:
    if protected:
        day = protected.astimezone(PARIS).strftime("%d/%m/%Y")
        there = f"Un responsable a donné cette valeur : aucun import ne la change avant le {day}."
    elif origin and origin.by_people:
        there = "Un import ne change cette valeur que si sa source est plus récente."
    else:
        there = "Un import change cette valeur dès que sa source dit autre chose."
    edited = (
        f"La vôtre restera {MONTHS_OUTRANKED} mois après votre dernière confirmation."
        if manages
        else "Une valeur acceptée restera tant que la source ne dit rien de plus récent."
    )
    return f"{there} {edited}"
