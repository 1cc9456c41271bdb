"""What two sheets are compared by: the same words, numbers and places in one spelling."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from rapidfuzz import fuzz

from services.directory.domain.fiche import Fiche
from shared.events import FieldValue

ALIKE = 80
"""Per cent of letters in common from which two words are one, a slip of the pen apart."""

LEAST_INITIALS = 2
LONG = 6

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_POSTCODE = re.compile(r"\b(?:f[ -]?)?\d{5}\b")
_BOX = re.compile(r"\b(?:bp|cs|tsa|cedex)\s*\d*\b")
_HOUSE = re.compile(
    r"^(?:no? )?(\d{1,4})(?: ?(?:bis|ter|quater|[a-h]|t|q)\b)?"
    r"((?: ?(?:a|et)? ?\d{1,4}(?: ?(?:bis|ter|quater|[a-h])\b)?(?= |$))*)"
)
_SEGMENTS = re.compile(r"[,;:()/]|\s[-–—]\s|\n")

SHORT = {
    "av": "avenue", "ave": "avenue", "aven": "avenue", "bd": "boulevard", "bld": "boulevard",
    "blvd": "boulevard", "bvd": "boulevard", "boul": "boulevard", "pl": "place", "plc": "place",
    "r": "rue", "rte": "route", "ch": "chemin", "che": "chemin", "chem": "chemin", "all": "allee",
    "allees": "allee", "imp": "impasse", "sq": "square", "fg": "faubourg", "fbg": "faubourg",
    "crs": "cours", "esp": "esplanade", "prom": "promenade", "qu": "quai", "lot": "lotissement",
    "res": "residence", "bat": "batiment", "imm": "immeuble", "rpt": "rondpoint", "pas": "passage",
    "mtee": "montee", "lieudit": "lieu", "ld": "lieu", "st": "saint", "ste": "sainte",
    "sts": "saint", "dr": "docteur", "doc": "docteur", "gal": "general", "gen": "general",
    "mal": "marechal", "mar": "marechal", "pdt": "president", "pres": "president",
    "cdt": "commandant", "col": "colonel", "cne": "capitaine", "lt": "lieutenant",
    "prof": "professeur", "pr": "professeur", "cc": "communaute communes",
    "ccal": "centre commercial", "zi": "zone industrielle", "za": "zone artisanale",
}  # fmt: skip
"""Abbreviations of addresses (Poste, norme NF Z 10-011) and their words."""

WAYS = frozenset(
    "rue avenue boulevard place route chemin allee impasse square faubourg cours esplanade "
    "promenade quai lotissement residence passage montee rondpoint sentier venelle ruelle parvis "
    "mail traverse voie rocade cite cour galerie clos hameau villa porte pont parc zone".split()
)
LINKS = frozenset(
    "de du des d la le les l a au aux en et sur sous lez les chez par pour dans un une s n no".split()
)
VAGUE = frozenset(
    "bourg centre village ville mairie hotel chef lieu dit poste bureau commune ancienne ancien "
    "zone artisanale industrielle activite activites etage rdc batiment immeuble entree".split()
)
"""Words of an address that lead to no door in particular."""

GENERIC = frozenset(
    "france frane services service msap mfs public publics publique maison espace point antenne "
    "site annexe permanence lieu accueil info conseiller conseillere conseillers numerique "
    "numeriques mediation mediateur mediatrice structure association asso relais cyber commune "
    "communes communale communal ville bureau centre itinerant itinerante bus mobile mixte "
    "france-services fs label labellisee residence administratif proximite "
    "saint sainte departement departemental municipale municipal".split()
)
"""Words of a name that very many venues share."""

KINDS = (
    ("france services", r"frane services?|france services?|msap|mfs|services? au public|service public"),
    ("mairie", r"mairies?|hotel de ville|(?:commune|ville) (?:de|du|des|d)"),
    ("library", r"mediatheques?|bibliotheques?|ludo ?mediatheque|bdp|ludotheque"),
    ("post", r"(?:la|bureau de|agence) poste|poste|agence postale|apc|lpc"),
    ("ccas", r"ccas|cias|centre (?:inter)?communal d action sociale|action sociale"),
    ("social", r"centres? socio ?culturels?|centre socio culturel|centres? soci(?:al|aux)|csc"),
    ("neighbourhood", r"maison de quartier|maison des habitants|mjc|foyer rural|mpt|maison pour tous"),
    ("young", r"mission locale|pij|bij|crij|point information jeunesse|info jeunes|espace jeunes?"),
    ("intercommunal", r"communaute (?:de )?(?:communes|agglomeration|urbaine)|communaute d agglomeration"
        r"|agglomeration|metropole|cc d[eu]|syndicat"),
    ("pimms", r"pimms"), ("redcross", r"croix rouge"), ("emmaus", r"emmaus"),
    ("work", r"maison de l emploi|pole emploi|france travail|maison de l economie|cap emploi"),
    ("department", r"maison du departement|mdd|mds|maison des solidarites|conseil departemental"
        r"|departement d[eu]"),
    ("state", r"sous prefecture|prefecture|dgfip|tresor public|centre des finances"),
    ("msa", r"msa"), ("caf", r"caf|caisse d allocations familiales"), ("cpam", r"cpam"),
    ("school", r"college|lycee|ecole|groupe scolaire|greta|afpa|universite"),
    ("udaf", r"udaf"), ("shelter", r"chrs|foyer|fjt|cada|huda|residence sociale"),
    ("cyber", r"cyber ?bases?|cyber ?centres?|epn|espace public numerique"),
    ("repair", r"repair cafe|fablab|fab lab|tiers lieu|cafe|tiers lieux"),
    ("tourism", r"office d[eu] tourisme"), ("museum", r"musee"),
    ("care", r"ehpad|hopital|centre hospitalier|maison de sante"),
)  # fmt: skip
"""Words that say what kind of place it is; two kinds under one roof are two venues."""
_KINDS = tuple((kind, re.compile(rf"\b(?:{words})\b")) for kind, words in KINDS)
_MOBILE = re.compile(r"\b(?:bus|itinerante?s?|itinerance|mobiles?|camion|van|pirogue|tournee)\b")

PUBLIC_DOMAINS = frozenset(
    "gmail.com orange.fr wanadoo.fr laposte.net free.fr sfr.fr hotmail.com hotmail.fr yahoo.fr "
    "yahoo.com outlook.com outlook.fr live.fr bbox.fr neuf.fr laposte.fr france-services.gouv.fr "
    "france-service.gouv.fr conseiller-numerique.fr pimms.org pimmsmediation.fr icloud.com "
    "gmx.fr protonmail.com msn.com numericable.fr aol.com club-internet.fr lanouvelleposte.fr "
    "croix-rouge.fr apajh.asso.fr ac-amiens.fr".split()
)
"""Mail domains that say nothing about who is behind."""


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
        fuzz.ratio(word, part) >= ALIKE or (len(word) > 3 and word in part) for part in place
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
    return tuple(_joined(found))[:4]


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
    return digits[-9:] if len(digits) >= 9 else ""


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
