"""Rules that ask for an explicit decision: silence does not accept what they hold.

One row per rule: its name, the sentence shown to people, and which fields it holds.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.links import links_added, links_of, with_parents
from shared.events import FieldChange, FieldValue
from shared.events.moderation import Held

FAR = 2_000.0
"""Metres."""
EARTH = 6_371_008.8
"""Mean radius in metres (IUGG)."""
NO_PUBLIC = "Ce lieu n'accueille pas de public"

_RULES = re.compile(r";|\|\||,\s+(?=[^\W\d])")
"""Where a rule of hours ends: OpenStreetMap's `opening_hours`, and what people write."""
_COMMENT = re.compile(r'"[^"]*"')
_OPEN = re.compile(r"\d\s*[h:]|24/7|sunrise|\bopen\b|\bouvert|\brdv\b|rendez-vous", re.I)
_OFF = re.compile(r"\b(?:off|closed)\b", re.I)
_CLOSED = re.compile(r"\b(?:off|closed|ferm[ée])", re.I)
_FOR_GOOD = re.compile(
    r"\bd[ée]finitive|\bclos\b|\bcess(?:é|e|ation)\b|\bplus ouvert|(\d\d:\d\d)-\1(?!\d)", re.I
)
"""An end in words, or hours that last no time."""
_ALWAYS_OFF = re.compile(r"\s*((Mo-Su|24/7)(\s*,\s*PH)?\s*(00:00-24:00)?)?\s*(off|closed)\s*", re.I)

Holds = Callable[[ReviewCase, frozenset[str]], list[str] | None]
"""The fields held ([] for the whole proposal), or None if the rule says nothing."""


@dataclass(frozen=True)
class Rule:
    """One row of the table."""

    name: str
    sentence: str
    holds: Holds


def closing(case: ReviewCase, _: frozenset[str]) -> list[str] | None:
    """The sheet would say that nobody is received any more."""
    found = []
    for change in case.changes:
        if change.field == "modalites_acces" and NO_PUBLIC in _added(change):
            found.append(change.field)
        if change.field == "horaires" and never_open(change.new) and not never_open(change.old):
            found.append(change.field)
    return found or None


def public_mail(case: ReviewCase, _: frozenset[str]) -> list[str] | None:
    """Mails to the venue would go elsewhere."""
    return _named(case, "courriels")


def legal_identity(case: ReviewCase, _: frozenset[str]) -> list[str] | None:
    """The sheet would be another structure's."""
    return _named(case, "pivot")


def far_away(case: ReviewCase, _: frozenset[str]) -> list[str] | None:
    """The venue would be elsewhere on the map."""
    new = {change.field: change.new for change in case.changes}
    touched: list[str] = [name for name in ("latitude", "longitude") if name in new]
    if not touched or case.latitude is None or case.longitude is None:
        return None
    there = (new.get("latitude", case.latitude), new.get("longitude", case.longitude))
    if not all(isinstance(one, float | int) for one in there):
        # a venue without coordinates is nowhere on the map
        return touched
    moved = metres((case.latitude, case.longitude), (float(there[0]), float(there[1])))  # type: ignore[arg-type]
    return touched if moved > FAR else None


def services_removed(case: ReviewCase, _: frozenset[str]) -> list[str] | None:
    """More than half of what the venue offers would go."""
    for change in case.changes:
        if change.field == "services" and isinstance(change.old, list):
            kept = change.new if isinstance(change.new, list) else []
            gone = [one for one in change.old if one not in kept]
            return ["services"] if len(gone) * 2 > len(change.old) else None
    return None


def refused_link(case: ReviewCase, refused: frozenset[str]) -> list[str] | None:
    """A link leads where refused proposals led."""
    if not case.changes:
        return [] if with_parents(links_of(case.text, case.link)) & refused else None
    found = [
        change.field
        for change in case.changes
        if with_parents(links_added(change.old, change.new)) & refused
    ]
    return found or None


def improved(case: ReviewCase, _: frozenset[str]) -> list[str] | None:
    """A moderator has changed what its author proposed."""
    return case.improved_fields


RULES = (
    Rule("closing", "Annoncer qu'un lieu ne reçoit plus de public demande une réponse.", closing),
    Rule(
        "public_mail",
        "Changer l'adresse de courriel d'un lieu demande une réponse : c'est par elle qu'on le "
        "joint.",
        public_mail,
    ),
    Rule("siret", "Changer le numéro SIRET d'un lieu demande une réponse.", legal_identity),
    Rule(
        "far_away",
        "Déplacer un lieu de plus de 2 km sur la carte demande une réponse.",
        far_away,
    ),
    Rule(
        "services_removed",
        "Retirer plus de la moitié des services d'un lieu demande une réponse.",
        services_removed,
    ),
    Rule(
        "refused_link",
        "Ce lien mène à un site qui figurait dans une proposition non retenue : quelqu'un va le "
        "regarder.",
        refused_link,
    ),
    Rule(
        "improved",
        "L'équipe de modération a retouché cette information : elle demande une réponse.",
        improved,
    ),
)

SENT_AGAIN = (
    "Cette information a déjà été examinée, ou contestée, sous la même forme : quelqu'un va la "
    "relire."
)


def sent_again(case: ReviewCase, before: Iterable[ReviewCase]) -> Held | None:
    """What was refused, undone or objected to before on the same sheet, in the same words."""
    if not case.changes:
        same = any(one.kind == case.kind and one.text == case.text and _left(one) for one in before)
        return Held(rule="sent_again", sentence=SENT_AGAIN) if same else None
    left = [
        (change.field, change.new)
        for one in before
        for change in one.changes
        if change.field in _left(one) and not change.withheld
    ]
    fields = [one.field for one in case.changes if (one.field, one.new) in left]
    return Held(rule="sent_again", fields=fields, sentence=SENT_AGAIN) if fields else None


def _left(one: ReviewCase) -> list[str]:
    """The fields of an earlier case that somebody did not want; `*` for all of another kind."""
    if one.reverted or one.state == "refused":
        return one.fields or ["*"]
    if one.state in ("superseded", "withdrawn"):
        return [name for two in one.objections for name in two.fields or one.fields or ["*"]]
    return one.refused_fields


def held(case: ReviewCase, refused_domains: Iterable[str]) -> list[Held]:
    """What the rules hold of a case, in the order of the table."""
    refused = frozenset(refused_domains)
    found = [(rule, rule.holds(case, refused)) for rule in RULES]
    return [
        Held(rule=rule.name, fields=fields, sentence=rule.sentence)
        for rule, fields in found
        if fields is not None
    ]


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance between two positions (latitude, longitude in degrees), by haversine."""
    (lat1, lon1), (lat2, lon2) = (map(math.radians, place) for place in (one, other))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH * math.asin(math.sqrt(min(half, 1.0)))


def never_open(hours: FieldValue) -> bool:
    """Whether hours say that the venue is closed, and leave no time when it is open."""
    if not isinstance(hours, str):
        return False
    if _FOR_GOOD.search(hours):
        return True
    if not _CLOSED.search(hours):
        return False
    open_ = False
    for rule in _RULES.split(_COMMENT.sub("", hours)):
        if _ALWAYS_OFF.fullmatch(rule):
            # a later rule takes the place of those before
            open_ = False
        elif _OPEN.search(rule) and not _OFF.search(rule):
            open_ = True
    return not open_


def domains_linked(case: ReviewCase) -> set[str]:
    """What the rules must know of a case: the hosts it links to, and what they are part of."""
    return with_parents(links_of(case.text, case.link, *(one.new for one in case.changes)))


def domains_proposed(case: ReviewCase, fields: Iterable[str]) -> set[str]:
    """The hosts that these fields of a case would add; of all of it, if it has no fields."""
    if not case.changes:
        return links_of(case.text, case.link)
    names = set(fields)
    changes = [one for one in case.changes if one.field in names]
    return {host for one in changes for host in links_of(one.new) - links_of(one.old)}


def _named(case: ReviewCase, field: str) -> list[str] | None:
    return [field] if field in case.fields else None


def _added(change: FieldChange) -> list[str]:
    old = change.old if isinstance(change.old, list) else []
    new = change.new if isinstance(change.new, list) else []
    return [one for one in new if one not in old]
