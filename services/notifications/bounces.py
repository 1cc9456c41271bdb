"""What a mail server says came back: delivery status notifications (RFC 3464), nothing else."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

_MESSAGE_ID = re.compile(r"<([^<>@\s]+)@[^<>\s]+>")


def undelivered(raw: bytes) -> list[str]:
    """The Message-IDs, without their domain, of mails that a notification says are given up.

    Empty for everything else: what is delayed, relayed or delivered, complaints, answers, spam.
    """
    parts = message_from_bytes(raw).get_payload()
    # only the report's own parts: what it quotes may be a report too
    own = [part for part in parts if isinstance(part, Message)] if isinstance(parts, list) else []
    recipients = [one for part in own for one in _recipients(part)]
    if not recipients or not all(map(_given_up, recipients)):
        return []
    names = [name for part in own for name in _quoted(part)]
    return list(dict.fromkeys(names))


def _recipients(part: Message) -> Iterator[Message]:
    """The fields that a report has for each recipient."""
    if part.get_content_type() != "message/delivery-status":
        return
    blocks: Any = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if block["Action"] or block["Status"]:
            yield block


def _given_up(recipient: Message) -> bool:
    """Whether no further attempt will be made (RFC 3464, 2.3.3); the status is a second choice."""
    action = str(recipient["Action"] or "").split()
    if action:
        return action[0].lower() == "failed"
    return str(recipient["Status"]).strip().startswith("5.")


def _quoted(part: Message) -> Iterator[str]:
    """The Message-ID of the mail that a report gives back, whole or by its headers."""
    kind, payload = part.get_content_type(), part.get_payload()
    headers = part.get_payload(decode=True)
    if kind == "message/rfc822" and isinstance(payload, list):
        original: Any = payload[0]
    elif kind == "text/rfc822-headers" and isinstance(headers, bytes):
        original = message_from_bytes(headers)
    else:
        return
    yield from _MESSAGE_ID.findall(str(original["Message-ID"] or ""))
