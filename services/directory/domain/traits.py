"""What two sheets are compared by: the same words, numbers and places in one spelling."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from rapidfuzz import fuzz

from services.directory.domain.fiche import Fiche
from services.directory.domain.vocabulary import (
    GENERIC,
    KINDS,
    LINKS,
    PUBLIC_DOMAINS,
    SHORT,
    VAGUE,
    WAYS,
)
from shared.events import FieldValue

ALIKE = 80
"""Per cent of letters in common from which two words are one, a slip of the pen apart."""

LEAST_INITIALS = 2
LONG = 6
"""Letters from which a word may have a slip of the pen."""
_TELLING = 4
"""Letters from which a part of a word says something."""
_PHONE_DIGITS = 9
_MOST_STREETS = 4

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_POSTCODE = re.compile(r"\b(?:f[ -]?)?\d{5}\b")
_BOX = re.compile(r"\b(?:bp|cs|tsa|cedex)\s*\d*\b")
_HOUSE = re.compile(
    r"^(?:no? )?(\d{1,4})(?: ?(?:bis|ter|quater|[a-h]|t|q)\b)?"
    r"((?: ?(?:a|et)? ?\d{1,4}(?: ?(?:bis|ter|quater|[a-h])\b)?(?= |$))*)"
)
_SEGMENTS = re.compile(r"[,;:()/]|\s[-–—]\s|\n")

_KINDS = tuple((kind, re.compile(rf"\b(?:{words})\b")) for kind, words in KINDS)
_MOBILE = re.compile(r"\b(?:bus|itinerante?s?|itinerance|mobiles?|camion|van|pirogue|tournee)\b")


def folded(text: object) -> str:
    """Lower-case letters and digits with single spaces; accents and ligatures gone."""
    plain = unicodedata.normalize("NFKD", str(text or "")).lower()
    plain = plain.replace("œ", "oe").replace("æ", "ae")
    return _NOT_WORD.sub(" ", "".join(c for c in plain if not unicodedata.combining(c))).strip()


def _words(text: str) -> list[str]:
    spelled = " ".join(SHORT.get(word, word) for word in text.split())
    return spelled.split()


@dataclass(frozen=True, slots=True)
class Street:
    """The door of an address: house numbers (may be none), way and name."""

    numbers: frozenset[int]
    way: str
    name: frozenset[str]


@dataclass(frozen=True, slots=True)
class Traits:
    """A sheet as it is compared; what it does not say is empty or None."""

    id: str
    name: str
    """All words of the name in order, generic ones too."""
    initials: frozenset[str]
    """What the name may be abbreviated to: CCVG."""
    core: tuple[str, ...]
    """Words of the name that few venues share, without those of the commune."""
    kinds: frozenset[str]
    mobile: bool
    commune: str
    code_insee: str
    code_postal: str
    streets: tuple[Street, ...]
    point: tuple[float, float] | None
    """Latitude and longitude, degrees."""
    phone: str
    mails: frozenset[str]
    domains: frozenset[str]
    web: frozenset[str]
    pivot: str


def traits(fiche: Fiche) -> Traits:
    """What a sheet in the national schema is compared by."""
    commune = " ".join(_words(_BOX.sub(" ", _commune(folded(fiche.get("commune"))))))
    code_postal = _code(fiche.get("code_postal"))
    place = frozenset(commune.split()) - LINKS
    name = " ".join(_words(folded(fiche.get("nom"))))
    mails = _mails(fiche.get("courriels"))
    street = _streets(fiche, place)
    return Traits(
        id=str(fiche.get("id") or ""),
        name=name,
        initials=_initials(name, place),
        core=_core(name, place),
        kinds=frozenset(kind for kind, words in _KINDS if words.search(name)),
        mobile=bool(_MOBILE.search(name)) or _itinerant(fiche.get("itinerance")),
        commune=commune,
        code_insee=str(fiche.get("code_insee") or "").zfill(5) if fiche.get("code_insee") else "",
        code_postal=code_postal,
        streets=street,
        point=_point(fiche),
        phone=_phone(fiche.get("telephone")),
        mails=mails,
        domains=frozenset(mail.split("@")[1] for mail in mails) - PUBLIC_DOMAINS,
        web=_web(fiche.get("site_web")),
        pivot=_pivot(fiche.get("pivot")),
    )


def _itinerant(value: FieldValue) -> bool:
    return isinstance(value, list) and "Itinérant" in value and "Fixe" not in value


def _commune(text: str) -> str:
    """A commune without its district: `paris 12e`, `marseille 13eme arrondissement`."""
    return re.sub(r"\s\d{1,2}(?:e|er|eme)?(?: arrondissement)?$", "", text)


def _initials(name: str, place: frozenset[str]) -> frozenset[str]:
    words = [word for word in name.split() if word not in LINKS]
    local = [word for word in words if word not in place]
    return frozenset(
        "".join(word[0] for word in some) for some in (words, local) if len(some) > LEAST_INITIALS
    )


def _core(name: str, place: frozenset[str]) -> tuple[str, ...]:
    for _, words in _KINDS:
        name = words.sub(" ", name)
    return tuple(
        dict.fromkeys(
            word
            for word in name.split()
            if len(word) > 1 and not _generic(word) and not _names_place(word, place)
        )
    )


@lru_cache(maxsize=50_000)
def _generic(word: str) -> bool:
    """Whether very many names have this word, a slip of the pen apart."""
    if word in GENERIC or word in LINKS:
        return True
    slips = (fuzz.ratio(word, known) for known in GENERIC if len(known) >= LONG)
    return len(word) >= LONG and any(likeness > ALIKE + 5 for likeness in slips)


def _names_place(word: str, place: frozenset[str]) -> bool:
    """Whether a word is one of the commune's, a slip of the pen apart (Laplume, La plume)."""
    return any(
        fuzz.ratio(word, part) >= ALIKE or (len(word) >= _TELLING and word in part)
        for part in place
    )


def _code(value: FieldValue) -> str:
    text = folded(value)
    return text.zfill(5) if text.isdigit() else ""


def _streets(fiche: Fiche, place: frozenset[str]) -> tuple[Street, ...]:
    """Every door that the address or its complement names, the address's first."""
    found: list[Street] = []
    for column in ("adresse", "complement_adresse"):
        raw = str(fiche.get(column) or "")
        for segment in _SEGMENTS.split(raw):
            street = _street(folded(segment), place)
            if street and street not in found:
                found.append(street)
    # a number alone belongs to the street after it: "8, rue du Parc"
    return tuple(_joined(found))[:_MOST_STREETS]


def _joined(found: list[Street]) -> list[Street]:
    joined: list[Street] = []
    numbers: frozenset[int] = frozenset()
    for street in found:
        if not street.name:
            numbers |= street.numbers
        else:
            joined.append(Street(street.numbers or numbers, street.way, street.name))
            numbers = frozenset()
    return joined


def _street(text: str, place: frozenset[str]) -> Street | None:
    text = _BOX.sub(" ", _POSTCODE.sub(" ", text)).strip()
    numbers: frozenset[int] = frozenset()
    if house := _HOUSE.match(text):
        numbers = frozenset(int(one) for one in re.findall(r"\d+", house[0]))
        text = text[house.end() :]
    words = _words(text)
    way = next((word for word in words if word in WAYS), "")
    name = [word for word in words if word not in LINKS and word not in WAYS]
    # the commune written after the street; a street may bear its name: "route d'Avignon"
    while len(name) > 1 and name[-1] in place:
        name.pop()
    meaning = frozenset(name) - (frozenset() if way else VAGUE | place)
    if not meaning and not numbers:
        return None
    return Street(numbers, way, meaning)


def _point(fiche: Fiche) -> tuple[float, float] | None:
    latitude, longitude = fiche.get("latitude"), fiche.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    return (float(latitude), float(longitude)) if latitude or longitude else None


def _phone(value: FieldValue) -> str:
    """The last nine digits: the same for `+33…` and `0…`."""
    digits = re.sub(r"\D", "", str(value or ""))
    return digits[-_PHONE_DIGITS:] if len(digits) >= _PHONE_DIGITS else ""


def _mails(value: FieldValue) -> frozenset[str]:
    items = value if isinstance(value, list) else [value] if value else []
    return frozenset(
        item.strip().lower() for item in items if isinstance(item, str) and item.count("@") == 1
    )


def _web(value: FieldValue) -> frozenset[str]:
    items = value if isinstance(value, list) else [value] if value else []
    found = set()
    for item in items:
        try:
            parts = urlsplit(str(item).lower())
        except ValueError:
            continue
        if parts.hostname:
            found.add(parts.hostname.removeprefix("www.") + parts.path.rstrip("/"))
    return frozenset(found)


def _pivot(value: FieldValue) -> str:
    text = re.sub(r"\W", "", str(value or "")).upper()
    return "" if not text.strip("0") else text
