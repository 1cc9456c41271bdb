"""Where a call is published: a link, when two are the same, and when it is the portal's own."""

import re
from collections.abc import Set as AbstractSet
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from shared.errors import InvalidField, InvalidInput

_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?")
_TRACKING = ("utm_", "mtm_", "pk_")
_CLICKS = frozenset({"fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid"})
_DEFAULT_PORTS = frozenset({80, 443})
_PATH_SIGNS = "!$&'()*+,;=:@~"


def web_address(text: str) -> str:
    """An http or https link, scheme and host in lower case; raises `ValueError`."""
    # browsers read these characters as none or as a slash, hence another host than we do
    if "\\" in text or any(one.isspace() or not one.isprintable() for one in text):
        raise ValueError("Ce lien contient des espaces ou des caractères interdits.")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("Ce lien n'est pas une adresse web valable.") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("Le lien doit commencer par http:// ou https://.")
    if "@" in parts.netloc:
        raise ValueError("Le lien ne doit contenir ni identifiant ni mot de passe.")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("Il manque dans ce lien un nom de site valable (https://…).")
    return parts._replace(netloc=parts.netloc.lower()).geturl()


def canonical(link: str) -> str:
    """What all links to one page have in common: the form in which they are compared."""
    parts = urlsplit(link)
    host = _ascii_host(parts.hostname or "")
    port = f":{parts.port}" if parts.port and parts.port not in _DEFAULT_PORTS else ""
    path = "/".join(_segment(one) for one in parts.path.rstrip("/").split("/"))
    query = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
        if name.lower() not in _CLICKS and not name.lower().startswith(_TRACKING)
    )
    asked = urlencode(query, errors="surrogateescape")
    return f"https://{host}{port}{path}" + (f"?{asked}" if asked else "")


def check_elsewhere(link: str, own_hosts: AbstractSet[str]) -> None:
    """Raise `InvalidInput` for a link to the portal itself: a call is published elsewhere."""
    host = _ascii_host(urlsplit(link).hostname or "")
    if host in {_ascii_host(own) for own in own_hosts}:
        message = "Ce lien mène au portail lui-même : il faut celui où l'annonce est parue."
        raise InvalidInput(invalid=[InvalidField("lien", "own_portal", message)])


def _ascii_host(host: str) -> str:
    host = host.lower().rstrip(".")
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _segment(text: str) -> str:
    # bytes that are no UTF-8 stay as they are
    plain = unquote(text, errors="surrogateescape")
    return quote(plain, _PATH_SIGNS, errors="surrogateescape")
