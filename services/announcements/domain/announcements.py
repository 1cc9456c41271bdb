"""What may become of an announcement and of each text that its author sends."""

import datetime as dt
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.announcements.domain.calls import (
    Call,
    Figures,
    SkillsCall,
    counting,
    midnight_after,
    today,
    with_figures_of,
)
from services.announcements.domain.links import canonical
from services.announcements.domain.origins import Origin
from services.announcements.domain.problems import NoTextWaiting, NotInThisState
from services.announcements.domain.search import words
from shared.events import Author
from shared.events.announcements import AnnouncementKind, EndReason
from shared.events.moderation import Decision

State = Literal["draft", "submitted", "online", "refused", "withdrawn", "closed", "expired"]
Act = Literal["keep", "submit", "validate", "refuse", "withdraw", "close", "expire", "count"]
TextState = Literal["waiting", "validated", "refused", "withdrawn", "superseded", "reverted"]

TRANSITIONS: dict[State, dict[Act, State]] = {
    "draft": {"keep": "draft", "submit": "submitted", "withdraw": "withdrawn"},
    "submitted": {
        "submit": "submitted",
        "validate": "online",
        "refuse": "refused",
        "withdraw": "withdrawn",
        "expire": "expired",
    },
    # validated, or too late for that, after an appeal
    "refused": {
        "submit": "submitted",
        "validate": "online",
        "withdraw": "withdrawn",
        "expire": "expired",
    },
    "online": {
        "submit": "online",
        "validate": "online",
        "refuse": "online",
        "withdraw": "withdrawn",
        "close": "closed",
        "expire": "expired",
    },
    # a platform may show again what it took away; a text that moves the end may come late
    "withdrawn": {"keep": "draft", "submit": "submitted"},
    "closed": {"keep": "draft", "submit": "submitted"},
    "expired": {
        "keep": "draft",
        "submit": "submitted",
        "validate": "online",
        "refuse": "expired",
        # a platform counts when its last day is over
        "count": "closed",
        "expire": "expired",
    },
}
"""What each act makes of an announcement; an act that is not there is not possible."""

OVER: frozenset[State] = frozenset({"withdrawn", "closed", "expired"})
MOST_TEXTS = 50
"""Texts kept of one announcement; older decisions than these change nothing any more."""


class Improvement(BaseModel):
    """A text that a moderator has put right."""

    model_config = ConfigDict(frozen=True)

    call: Call
    by: str
    at: AwareDatetime


class Text(BaseModel):
    """One text that its author has sent, and what was decided about it."""

    model_config = ConfigDict(frozen=True)

    case_id: str
    call: Call
    state: TextState = "waiting"
    submitted_at: AwareDatetime
    improvements: list[Improvement] = []
    decision: Decision | None = None
    accepted: int = 1
    """Which revision was validated; its author's is 1."""

    @property
    def revision(self) -> int:
        """The newest."""
        return len(self.improvements) + 1

    def at(self, revision: int) -> Call:
        """The call as a revision says it; the newest for one that is not known."""
        said = [self.call, *(one.call for one in self.improvements)]
        return said[min(max(revision, 1), len(said)) - 1]


class Announcement(BaseModel):
    """A call that is relayed, from its draft to its end."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int = 1
    author: Author
    origin: Origin | None = None
    state: State = "draft"
    call: Call
    """What its page shows: the validated text once there is one, else the newest."""
    until: dt.date
    """The last day of its present wave, or of the whole."""
    texts: list[Text] = []
    cases: list[str] = []
    """Of all its texts; the first one's is the announcement's id."""
    links: list[str] = []
    """In their canonical form, those that no other announcement may have."""
    created_at: AwareDatetime
    submitted_at: AwareDatetime | None = None
    published_at: AwareDatetime | None = None
    shown_at: AwareDatetime | None = None
    """When what is shown began to be, or was put back."""
    ended_at: AwareDatetime | None = None
    why: EndReason | None = None

    @property
    def kind(self) -> AnnouncementKind:
        """Skills or funding."""
        return self.call.kind

    @property
    def place(self) -> str:
        """Where it stands among the others: soonest date first."""
        return f"{self.until.isoformat()}:{self.id}"

    @property
    def ends_at(self) -> dt.datetime:
        """When its present wave is over."""
        return midnight_after(self.until)

    @property
    def author_name(self) -> str:
        """The public name of whoever submitted it."""
        return self.author.name

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it."""
        ended = self.state in ("closed", "expired") and self.why != "reverted"
        return self.published_at is not None and (self.state == "online" or ended)

    @property
    def waiting(self) -> Text | None:
        """The text that waits for a decision."""
        return next((one for one in reversed(self.texts) if one.state == "waiting"), None)

    @property
    def shown(self) -> Text | None:
        """The text that was validated last."""
        return next((one for one in reversed(self.texts) if one.state == "validated"), None)

    @property
    def newest(self) -> Call:
        """What its author last asked for, with the figures of today."""
        if self.waiting:
            return with_figures_of(self.waiting.call, self.call)
        return self.call

    @property
    def refusal_reason(self) -> str | None:
        """Why its newest text was refused."""
        last = self.texts[-1] if self.texts else None
        if last is None or last.state != "refused" or last.decision is None:
            return None
        return last.decision.reason

    @property
    def words(self) -> list[str]:
        """What it is found by."""
        call = self.call
        said = [call.titre, call.texte, call.structure or ""]
        if isinstance(call, SkillsCall):
            said += [call.place or "", *call.skills]
        else:
            said.append(call.platform)
        return sorted(set(words(" ".join(said))))

    @property
    def wanted_links(self) -> list[str]:
        """The links that are its own: of what is online, and of what waits in every revision."""
        calls = [self.call] if self.state in ("submitted", "online") else []
        if self.waiting:
            calls += [self.waiting.call, *(one.call for one in self.waiting.improvements)]
        return sorted({canonical(call.lien) for call in calls})

    def text(self, case_id: str) -> Text | None:
        """The text that a case is about."""
        return next((one for one in self.texts if one.case_id == case_id), None)


def after(announcement: Announcement, act: Act) -> State:
    """The state that an act leads to; raises `NotInThisState`."""
    state = TRANSITIONS[announcement.state].get(act)
    if state is None:
        raise NotInThisState(state=announcement.state)
    return state


def with_figures(announcement: Announcement, figures: Figures | Call) -> Announcement:
    """An announcement with figures of today, which need no review."""
    call = announcement.call
    if isinstance(figures, Figures):
        call = counting(call, figures)
    else:
        call = with_figures_of(call, figures)
    return announcement.model_copy(update={"call": call})


def changed(announcement: Announcement, **changes: Any) -> Announcement:
    """The next revision."""
    return announcement.model_copy(update={**changes, "revision": announcement.revision + 1})


def redraft(announcement: Announcement, call: Call, at: dt.datetime) -> Announcement:
    """Another text of a draft, or of what was over and is kept back now, with what waited."""
    return changed(
        announcement,
        state=after(announcement, "keep"),
        call=call,
        texts=_no_longer_waiting(announcement.texts, "withdrawn"),
        until=call.open_until(today(at)),
        published_at=None,
        ended_at=None,
        why=None,
    )


def submit(
    announcement: Announcement, call: Call, case_id: str, at: dt.datetime
) -> tuple[Announcement, str | None]:
    """Send a text for review, and the case of the text that it replaces.

    What is online stays; raises `NotInThisState`.
    """
    state = after(announcement, "submit")
    before = announcement.waiting or (announcement.texts[-1] if announcement.texts else None)
    replaced = before if before and before.state in ("waiting", "refused") else None
    texts = _no_longer_waiting(announcement.texts, "superseded")
    shown: dict[str, Any] = {}
    if state != "online":
        shown = {"call": call, "until": call.open_until(today(at)), "ended_at": None}
    if announcement.state in OVER:
        shown["published_at"] = None
    text = Text(case_id=case_id, call=call, submitted_at=at)
    return changed(
        announcement,
        state=state,
        texts=_kept([*texts, text]),
        cases=[*announcement.cases, case_id],
        submitted_at=announcement.submitted_at or at,
        why=None,
        **shown,
    ), (replaced.case_id if replaced else None)


def improve(announcement: Announcement, call: Call, by: str, at: dt.datetime) -> Announcement:
    """Another revision of the text that waits; raises `NoTextWaiting`."""
    text = announcement.waiting
    if text is None:
        raise NoTextWaiting(state=announcement.state)
    improved = Improvement(call=call, by=by, at=at)
    better = text.model_copy(update={"improvements": [*text.improvements, improved]})
    return changed(announcement, texts=_with(announcement, better))


def validate(
    announcement: Announcement, case_id: str, revision: int, decision: Decision, at: dt.datetime
) -> Announcement:
    """Show a validated text, or end at once if its last day has passed; the same one if decided.

    An appeal may overturn a refusal; a text behind a validated one shows no more.
    """
    text = announcement.text(case_id)
    possible = ("waiting", "refused") if decision.on_appeal else ("waiting",)
    if (
        text is None
        or text.state not in possible
        or "validate" not in TRANSITIONS[announcement.state]
    ):
        return announcement
    update = {"state": "validated", "decision": decision, "accepted": revision}
    texts = _with(announcement, text.model_copy(update=update))
    behind = announcement.texts[announcement.texts.index(text) + 1 :]
    if any(one.state == "validated" for one in behind):
        return changed(announcement, texts=texts)
    return _shown(announcement, texts, text.at(revision), at)


def _shown(
    announcement: Announcement, texts: list[Text], call: Call, at: dt.datetime
) -> Announcement:
    call = with_figures_of(call, announcement.call)
    until = call.open_until(today(at))
    over = at >= midnight_after(until)
    state = after(announcement, "expire" if over else "validate")
    changes: dict[str, Any] = {"state": state, "texts": texts, "call": call, "until": until}
    if over:
        return changed(announcement, **changes, ended_at=at, why="expired")
    published_at = announcement.published_at or at
    changes |= {"published_at": published_at, "shown_at": at, "ended_at": None, "why": None}
    return changed(announcement, **changes)


def refuse(announcement: Announcement, case_id: str, decision: Decision) -> Announcement:
    """Note a refusal; what is online stays. The same one if it was decided."""
    text = announcement.text(case_id)
    if text is None or text.state != "waiting":
        return announcement
    refused = text.model_copy(update={"state": "refused", "decision": decision})
    state = TRANSITIONS[announcement.state].get("refuse", announcement.state)
    return changed(announcement, state=state, texts=_with(announcement, refused))


def take_back(announcement: Announcement, case_id: str) -> Announcement:
    """Note that its author no longer wants a text; the same one if it was decided."""
    text = announcement.text(case_id)
    if text is None or text.state != "waiting":
        return announcement
    texts = _with(announcement, _stated(text, "withdrawn"))
    if announcement.state == "submitted":
        return changed(announcement, texts=texts, state="withdrawn", why="withdrawn")
    return changed(announcement, texts=texts)


def end(announcement: Announcement, act: Act, why: EndReason, at: dt.datetime) -> Announcement:
    """End it, and with it what waits, unless a text that waits comes from its last day on."""
    state = after(announcement, act)
    texts = announcement.texts
    if act != "expire":
        texts = _no_longer_waiting(texts, "withdrawn")
    return changed(announcement, state=state, texts=texts, ended_at=at, why=why)


def revert(announcement: Announcement, case_id: str, at: dt.datetime) -> Announcement:
    """Undo an approval: show the text before again, or close; the same one if it shows no more."""
    text = announcement.text(case_id)
    if text is None or text.state != "validated":
        return announcement
    shown = [one for one in announcement.texts if one.state == "validated"]
    reverted = announcement.model_copy(
        update={"texts": _with(announcement, _stated(text, "reverted"))}
    )
    if announcement.state != "online" or shown[-1] is not text:
        return changed(reverted)
    if len(shown) == 1:
        return end(reverted, "close", "reverted", at)
    before = shown[-2]
    restored = _shown(reverted, reverted.texts, before.at(before.accepted), at)
    return restored.model_copy(update={"why": "reverted"}) if restored.ended_at else restored


def reach(announcement: Announcement, day: dt.date, at: dt.datetime) -> Announcement:
    """Go on to the next wave when `day` is over, or end; the same one if it is no such day."""
    if announcement.state != "online" or announcement.until != day:
        return announcement
    following = announcement.call.next_date(max(today(at), day + dt.timedelta(days=1)))
    if following:
        return changed(announcement, until=following)
    if announcement.call.waves:
        return end(announcement, "close", "closed", at)
    return end(announcement, "expire", "expired", at)


def _kept(texts: list[Text]) -> list[Text]:
    """Without the oldest that nobody needs; what shows and what waits stays."""
    spare = [one for one in texts if one.state not in ("validated", "waiting")]
    spare += [one for one in texts if one.state == "validated"][:-2]
    drop = {one.case_id for one in spare[: max(len(texts) - MOST_TEXTS, 0)]}
    return [one for one in texts if one.case_id not in drop]


def _with(announcement: Announcement, text: Text) -> list[Text]:
    return [text if one.case_id == text.case_id else one for one in announcement.texts]


def _no_longer_waiting(texts: list[Text], state: TextState) -> list[Text]:
    return [_stated(one, state) if one.state == "waiting" else one for one in texts]


def _stated(text: Text, state: TextState) -> Text:
    return text.model_copy(update={"state": state})
