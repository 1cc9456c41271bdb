"""Ulule: its thin webhooks, and its projects in both shapes that its API answers with.

Source: https://developers.ulule.com (webhooks, project resource, versions, pagination).
"""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)

from services.announcements.domain.calls import (
    LARGEST_AMOUNT,
    LONGEST_TEXT,
    LONGEST_TITLE,
    FundingCall,
    today,
)
from shared.errors import RULES, InvalidField, InvalidInput, Problem, explain
from shared.html_text import plain_text
from shared.strict_json import read_json

PLATFORM = "ulule.com"
LANGUAGE = "fr"

KNOWN = frozenset(
    f"{thing}.{act}"
    for thing, acts in {
        "user": "created updated",
        "avatar": "updated",
        "project": ("created updated submitted refused published unpublished funded unfunded"),
        "image": "created updated deleted",
        "video": "created updated deleted",
        "reward": "created updated deleted",
        "shipping": "created updated deleted",
        "news": "created updated published deleted unpublished",
        "comment": "created",
        "order": "completed cancelled reimbursed paid updated",
        "proposal": "created validated refused",
        "message": "sent",
    }.items()
    for act in acts.split()
)
"""The 38 documented types of events."""

CONCERNING = frozenset(
    f"project.{act}"
    for act in ("updated", "refused", "published", "unpublished", "funded", "unfunded")
)
"""Those after which a project may have to come, change or go; the fetch says which."""

Fate = Literal["running", "funded", "unfunded", "withdrawn"]


class ResourceNotAllowed(Problem):
    """A push names something that is no project of the API that we are set to ask."""

    type = "resource-not-allowed"
    status = 422
    title = "Cette notification ne désigne pas un projet de la plateforme attendue."


class ProjectUnreadable(Exception):
    """What was fetched is no whole project; it may be one at the next attempt."""


class ProjectUnusable(Exception):
    """A whole project that cannot become an announcement; its text is a short stable reason."""


class Resource(BaseModel):
    """What a push is about."""

    model_config = ConfigDict(frozen=True, strict=True)

    type: Annotated[str, Field(min_length=1, max_length=50)]
    uri: Annotated[str, Field(min_length=1, max_length=500)]


class WebhookEvent(BaseModel):
    """A push: it says that something happened to a resource, and not what."""

    model_config = ConfigDict(frozen=True, strict=True)

    created: Annotated[str, Field(min_length=1, max_length=50)]
    object: Literal["event"]
    resource: Resource
    type: Annotated[str, Field(min_length=1, max_length=50)]

    @classmethod
    def read(cls, body: bytes) -> "WebhookEvent":
        """A push from its JSON; raises `InvalidInput`."""
        said = read_json(body)
        if not isinstance(said, dict):
            raise InvalidInput(invalid=[InvalidField("body", "dict_type", RULES["dict_type"])])
        try:
            return cls.model_validate(said)
        except ValidationError as exc:
            raise InvalidInput(invalid=explain(exc.errors())) from None

    @property
    def id(self) -> str:
        """The same for each repetition: pushes carry no id of their own."""
        parts = (self.type, self.resource.uri, self.created)
        return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()

    @property
    def concerns_us(self) -> bool:
        """Whether an announcement may have to come, change or go."""
        return self.type in CONCERNING

    @property
    def label(self) -> str:
        """Its type, among few."""
        return self.type if self.type in KNOWN else "unknown"


def project_id(uri: str, api_url: str) -> int:
    """The project that a push names; raises `ResourceNotAllowed` unless it is one of our API's."""
    # compared as text: what is parsed could be read otherwise by who fetches it
    named = re.fullmatch(rf"{re.escape(api_url.rstrip('/'))}/projects/([0-9]{{1,12}})", uri)
    if named is None:
        raise ResourceNotAllowed
    return int(named[1])


def _moment(value: object) -> object:
    # pydantic would also take seconds since 1970
    if value is None or isinstance(value, str):
        return value
    raise ValueError


def _texts(value: object) -> object:
    """The languages that say something."""
    if not isinstance(value, Mapping):
        return value or {}
    return {language: text for language, text in value.items() if text}


Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
Amount = Annotated[int, Field(ge=0, le=LARGEST_AMOUNT)]

_TRANSLATED = ("name", "subtitle", "description")
_NUMBERED: dict[object, str] = {1: "presale", 2: "project"}
"""How versions before 2017-09-19 say the type."""


class Location(BaseModel):
    """Where a project is."""

    city: str | None = None


class Project(BaseModel):
    """A project as the API shows it, whichever version it speaks; further fields are ignored."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[int, Field(gt=0, le=LARGEST_AMOUNT)]
    type: Literal["project", "presale"]
    name: Texts = {}
    subtitle: Texts = {}
    description: Texts = {}
    lang: str | None = None
    absolute_url: str | None = None
    goal: Amount | None = None
    amount_raised: Amount | None = None
    nb_products_sold: Amount | None = None
    supporters_count: Amount | None = None
    currency: str | None = None
    date_end: Annotated[AwareDatetime | None, BeforeValidator(_moment)] = None
    status: str | None = None
    finished: StrictBool = False
    goal_raised: StrictBool | None = None
    is_cancelled: StrictBool | None = None
    is_online: StrictBool | None = None
    location: Location | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_of_today(cls, value: Any) -> Any:
        """The old shape as the new one: `name_fr` is `name: {fr}`, type 2 is `project`."""
        if not isinstance(value, Mapping):
            return value
        fields = dict(value)
        if isinstance(fields.get("type"), int):
            fields["type"] = _NUMBERED.get(fields["type"])
        for name in _TRANSLATED:
            flat = {
                key.removeprefix(f"{name}_"): text
                for key, text in value.items()
                if re.fullmatch(rf"{name}_[a-z]{{2}}", key)
            }
            if flat and not isinstance(fields.get(name), Mapping):
                fields[name] = flat
        return fields

    @classmethod
    def read(cls, value: object) -> "Project":
        """A project from decoded JSON; raises `ProjectUnreadable`."""
        try:
            return cls.model_validate(value)
        except ValidationError as exc:
            field = ".".join(str(part) for part in exc.errors()[0]["loc"])
            raise ProjectUnreadable(f"not a project: {field}") from None

    @property
    def raised(self) -> int:
        """Whole units of the currency; of a presale, orders."""
        return (self.nb_products_sold if self.type == "presale" else self.amount_raised) or 0

    @property
    def fate(self) -> Fate:
        """What has become of it."""
        if self.is_cancelled or self.status not in (None, "online"):
            return "withdrawn"
        # before `is_online`: a campaign that is over need not be on line any more
        if self.finished:
            return "funded" if self._reached else "unfunded"
        return "withdrawn" if self.is_online is False else "running"

    @property
    def _reached(self) -> bool:
        reached = self.goal is not None and self.raised >= self.goal > 0
        return bool(self.goal_raised) or reached

    def call(self) -> FundingCall:
        """The announcement that it makes; raises `ProjectUnusable`."""
        presale = self.type == "presale"
        try:
            return FundingCall(
                kind="funding_call",
                titre=self._title(),
                texte=self._text(),
                lien=self._link(),
                territoire=None,
                ends_on=self._last_day(),
                platform="Ulule",
                goal=self._goal(),
                raised=self.raised,
                currency=None if presale else self.currency,
                supporters=self.supporters_count,
                presale=presale,
            )
        except ValidationError as exc:
            # without what it holds: reasons are kept and shown
            place = ".".join(str(part) for part in exc.errors()[0]["loc"]) or "call"
            raise ProjectUnusable(f"{place} invalid") from None

    def _said(self, texts: Mapping[str, str]) -> str:
        """French, else the project's language, else any."""
        for language in (LANGUAGE, self.lang or ""):
            if language in texts:
                return texts[language]
        return next(iter(texts.values()), "")

    def _title(self) -> str:
        title = " ".join(plain_text(self._said(self.name)).split())
        if not title:
            raise ProjectUnusable("name missing")
        return _shortened(title, LONGEST_TITLE)

    def _text(self) -> str:
        parts = [plain_text(self._said(self.subtitle)), plain_text(self._said(self.description))]
        city = " ".join(plain_text(self.location.city or "").split()) if self.location else ""
        place = f"Lieu : {_shortened(city, LONGEST_TITLE)}" if city else ""
        text = "\n\n".join(part for part in parts if part) or self._title()
        ending = f"\n\n{place}" if place else ""
        return _shortened(text, LONGEST_TEXT - len(ending)) + ending

    def _link(self) -> str:
        try:
            parts = urlsplit(self.absolute_url or "")
        except ValueError:
            raise ProjectUnusable("absolute_url invalid") from None
        host = parts.netloc.lower()
        if parts.scheme not in ("http", "https") or not f".{host}".endswith(f".{PLATFORM}"):
            raise ProjectUnusable("absolute_url not on the platform")
        return parts._replace(query="", fragment="").geturl()

    def _last_day(self) -> dt.date:
        if self.date_end is None:
            raise ProjectUnusable("date_end missing")
        try:
            # what ends at midnight has no minute of the day that begins
            return today(self.date_end - dt.timedelta(microseconds=1))
        except OverflowError:
            raise ProjectUnusable("date_end invalid") from None

    def _goal(self) -> int:
        if not self.goal:
            raise ProjectUnusable("goal missing")
        return self.goal


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
