"""What announcements does when something happens: the whole subscription in one dict."""

from collections.abc import Set as AbstractSet

from services.announcements.handlers.decisions import HANDLERS_DECISIONS
from services.announcements.handlers.outgoing import HANDLERS_OUTGOING
from services.announcements.handlers.partners import handlers_partners
from shared.bus.delivery import Handlers


def handlers(own_hosts: AbstractSet[str]) -> Handlers:
    """All of it; `own_hosts` are the portal's own."""
    return {**HANDLERS_DECISIONS, **HANDLERS_OUTGOING, **handlers_partners(own_hosts)}
