"""What every event is: frozen, named noun + past participle, owned by its publisher."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

FieldValue = str | float | list[str] | None
"""A value of a sheet: text, number, list of texts, or nothing."""

TYPES: dict[str, type["Event"]] = {}
"""Every event type by its name, which is its `ce_type` on the bus."""


class Contract(BaseModel):
    """A frozen part of a message; fields unknown to this version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Contract):
    """A fact of the domain. `STREAM` is its topic, `key` its aggregate (order holds per key)."""

    STREAM: ClassVar[str]

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not abstract:
            TYPES[cls.__name__] = cls

    @property
    @abstractmethod
    def key(self) -> str:
        """The aggregate's id."""


class Timer(Event, abstract=True):
    """An event that a service schedules for itself; `timer_id` names it, to move or cancel it."""

    @property
    @abstractmethod
    def timer_id(self) -> str:
        """The same for every setting of the same timer."""


class Author(Contract):
    """Who did it: an account's id and its public name; addresses travel on `contacts` only."""

    account_id: str
    name: str = ""


class FieldChange(Contract):
    """One field of a sheet, before and after.

    `withheld` marks a field of addresses: its values travel on the topic `contacts` only.
    """

    field: str
    old: FieldValue = None
    new: FieldValue = None
    withheld: bool = False


class Evidence(Contract):
    """What somebody who asks to manage a sheet has shown, for those who answer."""

    charter: str
    """The version of the network's charter that they accepted."""
    charter_accepted_at: AwareDatetime
    proof: Literal["mail", "siret"] | None = None
    """The venue's own address has answered for them, or their organisation's SIRET is the sheet's.

    None: only their word.
    """
    proved_at: AwareDatetime | None = None
