"""Where a call is published: a link, when two are the same, and when it is the portal's own."""

import re
from collections.abc import Set as AbstractSet
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from services.announcements.domain.addresses import is_public_host
from services.announcements.domain.hosts import normal_host
from shared.errors import InvalidField, InvalidInput

LONGEST_LINK = 2_000

_TRACKING = ("utm_", "mtm_", "pk_")
_CLICKS = frozenset({"fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid"})
_DEFAULT_PORTS = frozenset({80, 443})
_PATH_SIGNS = "!$&'()*+,;=:@~"
_FOLDERS = frozenset({"index.html", "index.htm", "index.php"})
"""At the end of a path, what a server shows for the folder itself."""
# neither in a URI nor in an IRI (RFC 3986, RFC 3987), though browsers send them
_FOREIGN = re.compile(r"""[<>"^`{}|\[\]]|%(?![0-9A-Fa-f]{2})""")


def web_address(text: str) -> str:
    """A link to a public http or https address; raises `ValueError`.

    Scheme and host in lower case, characters that no address may hold percent-encoded.
    """
    # browsers read these characters as none or as a slash, hence another host than we do
    if "\\" in text or any(one.isspace() or not one.isprintable() for one in text):
        raise ValueError("Ce lien contient des espaces ou des caractères interdits.")
    try:
        parts = urlsplit(text)
        usable = parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("Ce lien n'est pas une adresse web valable.")
    if parts.scheme not in ("http", "https"):
        raise ValueError("Le lien doit commencer par http:// ou https://.")
    if "@" in parts.netloc:
        raise ValueError("Le lien ne doit contenir ni identifiant ni mot de passe.")
    host = parts.hostname or ""
    if "." not in host.strip(".") or ":" in host or not is_public_host(host):
        raise ValueError("Il manque dans ce lien un nom de site public valable (https://…).")
    link = parts._replace(
        netloc=parts.netloc.lower(),
        path=_encoded(parts.path),
        query=_encoded(parts.query),
        fragment=_encoded(parts.fragment).replace("#", "%23"),
    ).geturl()
    if len(link) > LONGEST_LINK:
        raise ValueError("Ce lien est trop long.")
    return link


def canonical(link: str) -> str:
    """What all links to one page have in common: the form in which they are compared."""
    parts = urlsplit(link)
    host = normal_host(parts.hostname or "")
    port = f":{parts.port}" if parts.port and parts.port not in _DEFAULT_PORTS else ""
    query = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")
        if name.lower() not in _CLICKS and not name.lower().startswith(_TRACKING)
    )
    asked = urlencode(query, errors="surrogateescape")
    return (
        f"https://{host}{port}{_path(parts.path)}"
        + (f"?{asked}" if asked else "")
        + _page_of_an_application(parts.fragment)
    )


def check_elsewhere(link: str, own_hosts: AbstractSet[str]) -> None:
    """Raise `InvalidInput` for a link to the portal itself: a call is published elsewhere.

    `own_hosts` in their normal form.
    """
    if normal_host(urlsplit(link).hostname or "") in own_hosts:
        message = "Ce lien mène au portail lui-même : il faut celui où l'annonce est parue."
        raise InvalidInput(invalid=[InvalidField("lien", "own_portal", message)])


def _encoded(text: str) -> str:
    return _FOREIGN.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _path(path: str) -> str:
    """Without dot segments (RFC 3986, 5.2.4), a folder's page, or a slash at the end."""
    kept: list[str] = []
    for one in path.split("/")[1:]:
        segment = _segment(one)
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    while kept and (not kept[-1] or kept[-1] in _FOLDERS):
        kept.pop()
    return "".join(f"/{segment}" for segment in kept)


def _page_of_an_application(fragment: str) -> str:
    # a site that is one page keeps its pages there; other fragments are places on the page
    if not fragment.startswith(("/", "!")):
        return ""
    path = "/".join(_segment(one) for one in fragment.rstrip("/").split("/"))
    return f"#{path}" if path.strip("!") else ""


def _segment(text: str) -> str:
    # bytes that are no UTF-8 stay as they are
    plain = unquote(text, errors="surrogateescape")
    return quote(plain, _PATH_SIGNS, errors="surrogateescape")
