"""What others are told of our events: public facts only, never an account or an address."""

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, BaseModel

from services.announcements.domain.territories import department_of
from shared.events import Event
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementEvent,
    AnnouncementPublished,
    AnnouncementUpdated,
    AnnouncementWaveOpened,
)
from shared.events.directory import NewsPublished, NewsUnpublished, VenueUpdated

PUBLIC_TYPES: dict[str, type[Event]] = {
    "AnnouncementPublished": AnnouncementPublished,
    "AnnouncementUpdated": AnnouncementUpdated,
    "AnnouncementWaveOpened": AnnouncementWaveOpened,
    "AnnouncementEnded": AnnouncementEnded,
    "VenueUpdated": VenueUpdated,
    "VenueNewsPublished": NewsPublished,
    "VenueNewsWithdrawn": NewsUnpublished,
}
"""What can be subscribed to, and the event behind it."""
PING = "ping"
"""A delivery that an endpoint's owner asks for, to see whether it comes."""
SOURCE = "/mednum"
CONTENT_TYPE = "application/cloudevents+json"

_SHOWN = {"kind", "titre", "lien", "territoire", "ends_on", "next_date", "date", "remaining", "why"}
"""What the page of an announcement shows of it."""


class PublicEvent(BaseModel):
    """A fact as subscribers read it."""

    id: str
    """The `webhook-id`: the same fact always has the same."""
    type: str
    subject: str
    time: AwareDatetime
    territoire: str | None = None
    data: dict[str, Any]
    page: str | None = None
    """The path of its page."""

    def body(self, public_url: str) -> str:
        """The CloudEvent (structured mode), the same text each time."""
        url = {"url": public_url.rstrip("/") + self.page} if self.page else {}
        event = {
            "specversion": "1.0",
            "id": self.id,
            "source": SOURCE,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat(),
            "datacontenttype": "application/json",
            "data": {**self.data, **url},
        }
        return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def of_announcement(event: AnnouncementEvent, time: AwareDatetime, revision: int) -> PublicEvent:
    """An announcement's event: what its page shows, and where that is."""
    subject = event.announcement_id
    shown = event.model_dump(mode="json", include=_SHOWN)
    return PublicEvent(
        id=_id(type(event).__name__, subject, revision),
        type=type(event).__name__,
        subject=subject,
        time=time,
        territoire=shown.get("territoire"),
        data={"announcement_id": subject, "revision": revision, **shown},
        page=f"/announcements/{subject}",
    )


def of_venue(event: VenueUpdated) -> PublicEvent:
    """A changed sheet: which columns, not their values."""
    return PublicEvent(
        id=_id("VenueUpdated", event.venue_id, event.revision),
        type="VenueUpdated",
        subject=event.venue_id,
        time=event.updated_at,
        territoire=place_of(event.code_insee, event.code_postal),
        data={"venue_id": event.venue_id, "revision": event.revision, "fields": event.fields},
    )


def of_news(event: NewsPublished, territoire: str | None) -> PublicEvent:
    """A venue's news item that is online."""
    return PublicEvent(
        id=_id("VenueNewsPublished", event.proposal_id, event.published_at.isoformat()),
        type="VenueNewsPublished",
        subject=event.venue_id,
        time=event.published_at,
        territoire=territoire,
        data={"venue_id": event.venue_id, "news_id": event.proposal_id},
    )


def of_withdrawn_news(event: NewsUnpublished, territoire: str | None) -> PublicEvent:
    """A venue's news item that is online no more; why is the moderators' business."""
    return PublicEvent(
        id=_id("VenueNewsWithdrawn", event.proposal_id, event.unpublished_at.isoformat()),
        type="VenueNewsWithdrawn",
        subject=event.venue_id,
        time=event.unpublished_at,
        territoire=territoire,
        data={"venue_id": event.venue_id, "news_id": event.proposal_id},
    )


def ping(subscription_id: str, time: AwareDatetime) -> PublicEvent:
    """A fact about nothing but its own delivery."""
    return PublicEvent(
        id=_id(PING, subscription_id, time.isoformat()),
        type=PING,
        subject=subscription_id,
        time=time,
        data={},
    )


def place_of(code_insee: str | None, code_postal: str | None) -> str | None:
    """Where a venue is: its commune, else the department of its postal code."""
    if code_insee:
        return f"commune:{code_insee}"
    if not code_postal:
        return None
    department = department_of(code_postal)
    if department == "20":
        # Corsica has one postal number for its two departments
        department = "2A" if code_postal[:3] in ("200", "201") else "2B"
    return f"departement:{department}"


def _id(type_: str, subject: str, version: int | str) -> str:
    return "evt_" + uuid5(NAMESPACE_URL, f"{SOURCE}/{type_}/{subject}/{version}").hex
