"""Whether two sheets tell of one venue: evidence for and against, each with its weight.

A log-odds model with few levels (Fellegi and Sunter, 1969): what two sheets agree or differ in adds
its weight, what one of them does not say adds nothing. Where the weights come from and what
they reach: docs/adr/0013-duplicates.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import asin, cos, exp, floor, radians, sin, sqrt

from rapidfuzz import fuzz

from services.directory.domain.traits import ALIKE, Street, Traits

MATCH = 50
"""Score from which two sheets are taken for one venue, per cent."""
REVIEW = 20
"""Score from which somebody should look."""

START = -1.5
WEIGHTS: dict[str, tuple[float, str]] = {
    "commune_differs": (-2, "communes différentes"),
    "point_same": (2.5, "à moins de 50 m"),
    "point_near": (1, "entre 50 et 250 m"),
    "point_apart": (-0.5, "entre 250 m et 1 km"),
    "point_far": (-1.5, "entre 1 et 5 km"),
    "point_away": (-3, "à plus de 5 km"),
    "door_same": (1, "même adresse"),
    "door_alone": (2.5, "même adresse, sans coordonnées à comparer"),
    "street_same": (0, "même voie, un seul numéro connu"),
    "door_differs": (-0.5, "même voie, autre numéro"),
    "street_differs": (-1.5, "autre voie"),
    "name_same": (2.5, "même nom"),
    "name_like": (0.5, "noms proches"),
    "name_plain": (1.5, "même nom, sans rien de particulier"),
    "name_differs": (-2.5, "noms différents"),
    "name_unlike": (-1, "noms sans rien de commun"),
    "kind_host": (-2.5, "un service et un lieu qui peut l'accueillir"),
    "kind_differs": (-3.5, "lieux de nature différente"),
    "mobile_differs": (-2.5, "un seul des deux est itinérant"),
    "phone_same": (1, "même téléphone"),
    "mail_same": (1, "même courriel"),
    "domain_same": (0.5, "même domaine de courriel"),
    "pivot_same": (1.5, "même SIRET"),
    "pivot_differs": (-1.5, "SIRET différents"),
}
"""Log-odds of each level, and how people read it."""

_EARTH = 6_371_000
_CELL = 0.0025
"""Degrees: about 280 m north to south, 190 m east to west."""
_TOO_FAR = 15_000
"""Metres beyond which two points of one commune mean that one of them is wrong."""
_DISTANCES = (
    (50, "point_same"),
    (250, "point_near"),
    (1_000, "point_apart"),
    (5_000, "point_far"),
)
_DOORS = ("street_differs", "door_differs", "street_same", "door_same")
_SAME_NAME = 90
_LIKE_NAME = 70
_OTHER_NAME = 50
_HOSTS = frozenset(
    {"mairie", "post", "intercommunal", "department", "msa", "social", "ccas", "pimms"}
)
"""Kinds that run a France Services under their own roof."""
_PROGRAMME = "france services"


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much two sheets look like one venue: 0 to 100, and why."""

    score: int
    evidence: tuple[str, ...]
    """Names of levels, see `WEIGHTS`."""

    @property
    def is_match(self) -> bool:
        """Whether they are taken for one venue."""
        return self.score >= MATCH

    @property
    def reasons(self) -> list[str]:
        """What speaks for and against it, in French, the strongest first."""
        weighed = sorted(self.evidence, key=lambda level: -abs(WEIGHTS[level][0]))
        return [WEIGHTS[level][1] for level in weighed]


def compare(one: Traits, other: Traits) -> Likeness:
    """How much two sheets look like one venue; the order of the two does not count."""
    evidence = tuple(_evidence(one, other))
    odds = START + sum(WEIGHTS[level][0] for level in evidence)
    return Likeness(round(100 / (1 + exp(-odds))), evidence)


def _evidence(one: Traits, other: Traits) -> Iterator[str]:
    commune = same_commune(one, other)
    if commune is False:
        yield "commune_differs"
    distance, address = _distance(one, other, same=commune), _address(one, other)
    if commune and address == "door_same" and distance is None:
        # the door says as much as the point would
        address = "door_alone"
    for level in (
        distance,
        address,
        _name(one, other),
        _kind(one, other),
        "mobile_differs" if one.mobile != other.mobile else None,
        "phone_same" if one.phone and one.phone == other.phone else None,
        _mail(one, other),
        _siret(one, other),
    ):
        if level:
            yield level


def same_commune(one: Traits, other: Traits) -> bool | None:
    """Whether both are in one commune; None if they do not say, or contradict themselves."""
    if one.commune and other.commune:
        pair = one.commune.replace(" ", ""), other.commune.replace(" ", "")
        if fuzz.ratio(*pair) >= ALIKE + 5:
            return True
    if one.code_insee and other.code_insee:
        if one.code_insee != other.code_insee:
            return False
        alike = one.code_postal == other.code_postal or not (one.commune and other.commune)
        return True if alike else None
    return False if one.commune and other.commune else None


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance of two points (latitude, longitude in degrees) on the globe."""
    north, east, to_north, to_east = map(radians, (*one, *other))
    across = sin((to_north - north) / 2) ** 2
    across += cos(north) * cos(to_north) * sin((to_east - east) / 2) ** 2
    return 2 * _EARTH * asin(sqrt(min(1, across)))


def _distance(one: Traits, other: Traits, *, same: bool | None) -> str | None:
    if one.point is None or other.point is None:
        return None
    apart = metres(one.point, other.point)
    if same and apart > _TOO_FAR:
        return None
    return next((level for most, level in _DISTANCES if apart <= most), "point_away")


def _address(one: Traits, other: Traits) -> str | None:
    """The best that any door of one and any of the other have in common."""
    doors = [_door(*pair) for pair in product(one.streets, other.streets)]
    return max(doors, key=_DOORS.index) if doors else None


def _door(one: Street, other: Street) -> str:
    if not _same_street(one.name, other.name):
        return "street_differs"
    if one.numbers and other.numbers:
        return "door_same" if one.numbers & other.numbers else "door_differs"
    return "street_same" if one.numbers or other.numbers else "door_same"


def _same_street(one: frozenset[str], other: frozenset[str]) -> bool:
    if one <= other or other <= one:
        return True
    return fuzz.ratio(" ".join(sorted(one)), " ".join(sorted(other))) >= ALIKE + 5


def _name(one: Traits, other: Traits) -> str | None:
    if not one.name or not other.name:
        return None
    if one.core and other.core:
        return _core(one, other)
    if not one.core and not other.core:
        plain = one.kinds & other.kinds or not (one.kinds and other.kinds)
        return "name_plain" if plain else None
    if _abbreviated(one, other):
        return "name_like"
    # a name of its own against a mere kind of place: "Espace Condorcet", "Mairie de Gaillon"
    told = one.kinds if other.core else other.kinds
    return "name_unlike" if told and not (one.kinds and other.kinds) else None


def _core(one: Traits, other: Traits) -> str | None:
    likeness = fuzz.token_sort_ratio(" ".join(one.core), " ".join(other.core))
    shorter, longer = sorted((set(one.core), set(other.core)), key=len)
    if shorter <= longer:
        likeness = max(likeness, _SAME_NAME if len(shorter) > 1 else _LIKE_NAME)
    if likeness >= _SAME_NAME:
        return "name_same"
    if likeness >= _LIKE_NAME or _abbreviated(one, other):
        return "name_like"
    return "name_differs" if likeness < _OTHER_NAME else None


def _abbreviated(one: Traits, other: Traits) -> bool:
    return not (
        one.initials.isdisjoint(other.name.split()) and other.initials.isdisjoint(one.name.split())
    )


def _kind(one: Traits, other: Traits) -> str | None:
    if not one.kinds or not other.kinds or one.kinds & other.kinds:
        return None
    both = one.kinds | other.kinds
    return "kind_host" if _PROGRAMME in both and both & _HOSTS else "kind_differs"


def _mail(one: Traits, other: Traits) -> str | None:
    if one.mails & other.mails:
        return "mail_same"
    return "domain_same" if one.domains & other.domains else None


def _siret(one: Traits, other: Traits) -> str | None:
    if not one.pivot or not other.pivot:
        return None
    return "pivot_same" if one.pivot == other.pivot else "pivot_differs"


def blocks(one: Traits) -> frozenset[str]:
    """The keys under which a sheet meets those it may double; two that share none never meet."""
    where = one.code_insee or f"{one.code_postal} {one.commune}"
    keys = {f"commune {where}", f"postcode {one.code_postal} {one.commune[:4]}"}
    keys.update(f"name {where} {word}" for word in one.core)
    keys.update(f"kind {where} {kind}" for kind in one.kinds)
    for street in one.streets:
        name = " ".join(sorted(street.name))
        keys.update(f"door {where} {number} {name}" for number in street.numbers or (0,))
    if one.pivot:
        keys.add(f"pivot {where} {one.pivot}")
    if one.phone:
        keys.add(f"phone {one.phone}")
    keys.update(f"mail {mail}" for mail in one.mails)
    keys.update(f"web {page}" for page in one.web)
    if one.point:
        keys.update(_cells(*one.point))
    return frozenset(keys)


def _cells(latitude: float, longitude: float) -> Iterator[str]:
    """The four corners of a point's cell: two points closer than a cell share one."""
    row, column = floor(latitude / _CELL), floor(longitude / _CELL)
    return (f"cell {row + up} {column + right}" for up in (0, 1) for right in (0, 1))
