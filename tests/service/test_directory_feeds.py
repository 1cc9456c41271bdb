"""A venue's news as feeds over HTTP: what went online, and what is different for a while."""

import datetime as dt
from urllib.parse import quote
from uuid import uuid4

from icalendar import Calendar
from lxml import etree

from services.directory.domain.venues import day
from shared.database import now
from shared.events import Author
from shared.events.moderation import Decision, NewsApproved
from tests.harness import System, eventually
from tests.harness.bus import tell
from tests.harness.refusals import refused
from tests.harness.stories import Person, new_venue
from tests.harness.system import token

NS = {"a": "http://www.w3.org/2005/Atom"}


async def test_news_has_feeds(directory: System) -> None:
    id_ = f"lieu é {uuid4().hex[:6]}"
    venue, _ = new_venue(directory, id=id_)
    person = Person("bo")
    titre = "Atelier <b>«\u00a0impôts\u00a0»</b>"
    news = {"titre": titre, "texte": "Deux lignes\nici."}
    path = f"/venues/{quote(id_)}/news"
    made = directory.post("directory", path, news, as_=person.token)
    empty = directory.call("GET", "directory", f"{path}.atom")
    assert etree.fromstring(empty.content).findall("a:entry", NS) == []
    said = {
        "case_id": made["id"],
        "revision": 2,
        "author": Author(account_id=person.id),
        "title": titre,
        "decision": Decision(how="moderator", by="account:mo", at=now()),
        "venue_id": venue,
    }
    await tell(directory, NewsApproved(**said))
    (shown,) = eventually(lambda: directory.get("directory", path)["items"])

    atom = directory.call("GET", "directory", f"{path}.atom")
    feed = etree.fromstring(atom.content)
    (entry,) = feed.findall("a:entry", NS)
    assert entry.findtext("a:title", None, NS) == titre
    assert entry.findtext("a:content", None, NS) == news["texte"]
    published = dt.datetime.fromisoformat(entry.findtext("a:updated", "", NS))
    assert published == dt.datetime.fromisoformat(shown["published_at"])
    (self_,) = feed.xpath("a:link[@rel='self']/@href", namespaces=NS)
    assert self_ == f"{directory.processes['directory'].url}{path}.atom"

    ics = directory.call("GET", "directory", f"{path}.ics")
    assert ics.headers["content-type"] == "text/calendar; charset=utf-8"
    (event,) = Calendar.from_ical(ics.content).walk("VEVENT")
    assert str(event["summary"]) == " ".join(titre.split())
    assert event.decoded("dtstart").isoformat() == day(published)

    for answer, form in ((atom, "atom"), (ics, "ics")):
        known = {"If-None-Match": answer.headers["etag"]}
        again = directory.call("GET", "directory", f"{path}.{form}", headers=known)
        assert (again.status_code, again.content) == (304, b"")

    until = (now() + dt.timedelta(days=3)).date()
    said = {"kind": "closure", "text": "Travaux.", "from": until.isoformat()}
    notice = {**said, "until": until.isoformat()}
    where = path.replace("/news", "/notices")
    directory.post("directory", where, notice, as_=token("mo", "moderator"))
    ics = directory.call("GET", "directory", f"{path}.ics")
    first, second = Calendar.from_ical(ics.content).walk("VEVENT")
    assert (first.decoded("dtstart"), second["summary"]) == (until, event["summary"])

    unknown = directory.call("GET", "directory", "/venues/inconnu/news.atom")
    refused(unknown, 404, "venue-not-found")
