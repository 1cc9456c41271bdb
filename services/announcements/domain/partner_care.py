"""Looking after a partner: what is refused, and where a page of its deliveries starts."""

from datetime import UTC, datetime, timedelta

from services.announcements.domain.partners import Delivery, delivery_id
from shared.errors import InvalidField, InvalidInput, Problem

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class PartnerNotActive(Problem):
    """A suspended partner's deliveries are not applied again."""

    type = "partner-not-active"
    status = 409
    title = "Ce partenaire est suspendu : réactivez-le d'abord."


class PartnerNotSuspended(Problem):
    """Only a suspended partner is removed: nothing of it may be on its way."""

    type = "partner-not-suspended"
    status = 409
    title = "Ce partenaire n'est pas suspendu : suspendez-le d'abord."


def cursor(delivery: Delivery) -> str:
    """The place of a delivery in its partner's list, as a word that an address may hold."""
    return f"{(delivery.received_at - _START) // _MILLISECOND}_{delivery.signed_id}"


def place(slug: str, after: str) -> tuple[datetime, str]:
    """When the delivery of a cursor was received, and its id; raises `InvalidInput`."""
    moment, separator, signed_id = after.partition("_")
    try:
        if separator and moment.isascii() and moment.isdigit():
            return _START + int(moment) * _MILLISECOND, delivery_id(slug, signed_id)
    except (ValueError, OverflowError):
        pass
    message = "Il faut la valeur « next » de la page précédente."
    raise InvalidInput(invalid=[InvalidField("after", "cursor", message)])
