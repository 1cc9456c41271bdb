"""What is asked for: a skills call or a funding call, already published elsewhere at `lien`."""

import datetime as dt
import itertools
import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pycountry
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    field_validator,
)

from services.announcements.domain.links import LONGEST_LINK, web_address
from services.announcements.domain.territories import check_territory
from shared.errors import InvalidField, InvalidInput
from shared.events.announcements import AnnouncementKind

PARIS = ZoneInfo("Europe/Paris")
LONGEST_TITLE = 140
LONGEST_TEXT = 5_000
LONGEST_YEARS = 2
MOST_WAVES = 24
LARGEST_AMOUNT = 10**12

HelpKind = Literal["job", "volunteering", "internship", "service"]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Unicode's Bidi_Control: they show a text in another order than it is read
_ORDER = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SEEN = frozenset("LNPS")
"""General categories of what leaves ink; the fillers are the exception."""
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MAIL = re.compile(r"[^@\s<>,;\"()]+@[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(r"\+?[\d .()/-]{3,30}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def _printable(text: str) -> str:
    if _CONTROL.search(text) or _ORDER.search(text):
        raise ValueError("Ce texte contient des caractères interdits.")
    if not any(unicodedata.category(one)[0] in _SEEN and one not in _FILLERS for one in text):
        raise ValueError("Ce texte est invisible.")
    return text


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())


def _written_day(value: object) -> object:
    # pydantic would also take seconds since 1970
    if isinstance(value, dt.datetime):
        raise ValueError("Il faut une date (AAAA-MM-JJ).")
    if isinstance(value, dt.date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("Il faut une date (AAAA-MM-JJ).")


def _mail_address(text: str) -> str:
    if not _MAIL.fullmatch(_printable(text)):
        raise ValueError("Cette adresse électronique n'est pas valable.")
    return text


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise ValueError("Ce numéro de téléphone n'est pas valable.")
    return text


def _currency(text: str) -> str:
    code = text.upper()
    # the pattern first: other alphabets have letters that become these
    if not _CURRENCY.fullmatch(code) or not pycountry.currencies.get(alpha_3=code):
        raise ValueError("Il faut une monnaie de la norme ISO 4217, en trois lettres (EUR).")
    return code


KEPT = "kept"
"""Context in which a call is read again: it was accepted by the rules of its day."""


def _rule(check: Callable[[str], str]) -> AfterValidator:
    """A rule for what is sent: a stricter one must not make what is kept unreadable."""

    def checked(text: str, info: ValidationInfo) -> str:
        return text if info.context == KEPT else check(text)

    return AfterValidator(checked)


def _line(longest: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


Day = Annotated[dt.date, BeforeValidator(_written_day)]
Line = Annotated[str, _line(200), _rule(_one_line)]
Link = Annotated[str, _line(LONGEST_LINK), _rule(web_address)]
Amount = Annotated[int, Field(strict=True, ge=0, le=LARGEST_AMOUNT)]
Flag = Annotated[bool, Field(strict=True)]


class Contact(BaseModel):
    """Whom to ask; shown on the announcement's own page and nowhere else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nom: Line
    courriel: Annotated[str, _line(254), _rule(_mail_address)] | None = None
    telephone: Annotated[str, _line(30), _rule(_phone)] | None = None
    site: Link | None = None


class _Common(BaseModel):
    """What both kinds say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    titre: Annotated[str, _line(LONGEST_TITLE), _rule(_one_line)]
    texte: Annotated[str, _line(LONGEST_TEXT), _rule(_printable)]
    lien: Link
    structure: Line | None = None
    venue_id: Line | None = None
    territoire: Annotated[str, _line(40), AfterValidator(check_territory)] | None = None
    contacts: Annotated[list[Contact], Field(max_length=10)] = []
    waves: Annotated[list[Day], Field(max_length=MOST_WAVES)] = []
    """Selection dates of a rolling call, in Europe/Paris, ascending."""
    ends_on: Annotated[Day | None, Field(validate_default=True)] = None
    """Its last day online, in Europe/Paris, if it is no rolling call."""

    @field_validator("waves")
    @classmethod
    def _ascending(cls, waves: list[dt.date]) -> list[dt.date]:
        if any(later <= sooner for sooner, later in itertools.pairwise(waves)):
            raise ValueError("Les dates de sélection doivent se suivre, chacune une seule fois.")
        return waves

    @field_validator("ends_on")
    @classmethod
    def _one_way_to_end(cls, ends_on: dt.date | None, info: ValidationInfo) -> dt.date | None:
        # waves that are wrong themselves are not among the data
        if "waves" in info.data and (ends_on is None) != bool(info.data["waves"]):
            raise ValueError("Il faut une date de fin, ou des dates de sélection (pas les deux).")
        return ends_on

    @property
    def last_day(self) -> dt.date:
        """The day after which nothing is left of it."""
        return self.waves[-1] if self.waves else self.ends_on or dt.date.min

    def next_date(self, today: dt.date) -> dt.date | None:
        """Of a rolling call, its next selection date; none after the last."""
        return next((wave for wave in self.waves if wave >= today), None)

    def open_until(self, today: dt.date) -> dt.date:
        """The last day of its present wave, or of the whole."""
        return self.next_date(today) or self.last_day


class SkillsCall(_Common):
    """People are sought."""

    kind: Literal["skills_call"]
    help_kind: HelpKind
    place: Line | None = None
    remote: Annotated[Flag, Field(validate_default=True)] = False
    skills: Annotated[list[Annotated[str, _line(60), _rule(_one_line)]], Field(max_length=20)] = []

    @field_validator("remote")
    @classmethod
    def _somewhere(cls, remote: bool, info: ValidationInfo) -> bool:
        if not remote and "place" in info.data and info.data["place"] is None:
            raise ValueError("Il faut un lieu, ou indiquer que c'est possible à distance.")
        return remote


class FundingCall(_Common):
    """Money or orders are sought, on a platform."""

    kind: Literal["funding_call"]
    platform: Line
    presale: Flag = False
    """Whether `goal` and `raised` count orders and not money."""
    goal: Annotated[int, Field(strict=True, gt=0, le=LARGEST_AMOUNT)]
    raised: Amount = 0
    supporters: Amount | None = None
    currency: Annotated[Annotated[str, _rule(_currency)] | None, Field(validate_default=True)] = (
        None
    )

    @field_validator("currency")
    @classmethod
    def _money_has_one(cls, currency: str | None, info: ValidationInfo) -> str | None:
        # a presale that is wrong itself is not among the data
        presale = info.data.get("presale")
        if presale and currency is not None:
            raise ValueError("Une prévente compte des commandes : elle n'a pas de monnaie.")
        if presale is False and currency is None:
            raise ValueError("Il faut la monnaie de l'objectif (EUR).")
        return currency

    @property
    def percent(self) -> int:
        """How much of its goal is reached; may be more than 100."""
        return self.raised * 100 // self.goal


class _Kind(BaseModel):
    kind: AnnouncementKind


def _of_its_kind(value: Any, _: Any, info: ValidationInfo) -> Any:
    """Without a tag in the place of an error: a field is named as it was sent."""
    if isinstance(value, SkillsCall | FundingCall):
        return value
    # as FastAPI reads a body: what is no object at all then has its own rule
    kind = _Kind.model_validate(value, from_attributes=True).kind
    made = SkillsCall if kind == "skills_call" else FundingCall
    return made.model_validate(value, from_attributes=True, context=info.context)


Call = Annotated[SkillsCall | FundingCall, WrapValidator(_of_its_kind)]
CALL: TypeAdapter[Call] = TypeAdapter(Call)


def today(at: dt.datetime) -> dt.date:
    """The day it is in Europe/Paris."""
    return at.astimezone(PARIS).date()


def midnight_after(day: dt.date) -> dt.datetime:
    """The end of a day in Europe/Paris."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), PARIS)


def check_dates(call: Call, at: dt.datetime, known: Call | None = None) -> None:
    """Raise `InvalidInput` for days that are over, or too far; `known` may have old waves."""
    first = today(at)
    field = "waves" if call.waves else "ends_on"
    if call.last_day < first:
        raise _invalid(field, "past", "La date de fin est déjà passée.")
    old = known.waves if known else []
    if any(wave < first and wave not in old for wave in call.waves):
        raise _invalid(field, "past", "Une des dates de sélection est déjà passée.")
    last = call.last_day
    # compared by parts: two years after a 29 February there is no such day
    if (last.year - LONGEST_YEARS, last.month, last.day) > (first.year, first.month, first.day):
        raise _invalid(field, "too_far", "La date de fin doit être dans les deux ans.")


def same_text(one: Call, other: Call) -> bool:
    """Whether two calls are equal but for what moves by itself: raised, supporters."""
    moving = {"raised", "supporters"}
    return one.model_dump(exclude=moving) == other.model_dump(exclude=moving)


def with_figures_of(call: Call, known: Call) -> Call:
    """A call with the figures of another text of it, where they count the same thing."""
    if not isinstance(call, FundingCall) or not isinstance(known, FundingCall):
        return call
    if (call.presale, call.currency) != (known.presale, known.currency):
        return call
    return call.model_copy(update={"raised": known.raised, "supporters": known.supporters})


def figures_of(call: Call) -> "Figures | None":
    """What a call counts, if it is one that does."""
    if not isinstance(call, FundingCall):
        return None
    return Figures(raised=call.raised, supporters=call.supporters)


def counting(call: Call, figures: "Figures") -> Call:
    """A call with other figures, if it is one that has any; what they leave out stays."""
    if not isinstance(call, FundingCall):
        return call
    return call.model_copy(update=figures.model_dump(exclude_none=True))


def _invalid(field: str, rule: str, message: str) -> InvalidInput:
    return InvalidInput(invalid=[InvalidField(field, rule, message)])


class Figures(BaseModel):
    """How far a funding call has come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raised: Amount
    supporters: Amount | None = None
