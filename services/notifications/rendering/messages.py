"""The message for one address: headers, text and HTML."""

from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import parseaddr

from services.notifications.domain import Delivery, mail_name


class WholeHeader(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]
    """A header on one line: folding would encode a long link, which would lead nowhere."""

    def fold(self, *, policy: Policy) -> str:
        """The header as it is sent."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", WholeHeader)
POLICY = SMTP.clone(header_factory=_HEADERS)


class AddressInvalid(Exception):
    """No mail can be addressed like this."""


@dataclass(frozen=True)
class Mail:
    """What a person reads."""

    subject: str
    text: str
    html: str
    unsubscribe: str = ""
    """Where one click ends mails of this sort (RFC 8058), if they come by themselves."""


def compose(
    mail: Mail, delivery: Delivery, *, sender: str, address: str, moment: datetime
) -> EmailMessage:
    """The message for one address, its id the same each time; raises `AddressInvalid`."""
    message = EmailMessage(policy=POLICY)
    message["Date"] = moment
    message["From"] = sender
    try:
        message["To"] = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError):
        raise AddressInvalid from None
    message["Subject"] = mail.subject
    domain = parseaddr(sender)[1].rpartition("@")[2]
    message["Message-ID"] = f"<{mail_name(delivery, address)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["X-Correlation-Id"] = delivery.correlation_id
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    # last: headers on content move into the first part
    message["Content-Language"] = "fr"
    return message
