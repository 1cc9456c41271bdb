"""Where texts lead: the hosts of the links in them, however people write a link."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import takewhile
from urllib.parse import unquote

from shared.events import FieldValue

_URL = re.compile(r"(?:https?:[/\\]*|[/\\]{2})(?=([^\s<>\"'|/\\?#]{1,2000}))", re.IGNORECASE)
"""As browsers read them: no, one or many slashes, of either kind."""
_BARE = re.compile(r"(?<![\w@./\\=?&#%+~-])[\w-]++(?:\.[\w-]++)++(?![\w.+-]*@)")
"""A host alone, as people say it; neither a file of a path nor part of a mail address."""
_TOP = re.compile(r"[^\W\d_]{2,63}|xn--[a-z0-9-]+")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_UNSEEN = re.compile(
    r"[\u00ad\u034f\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Signs that browsers drop from a host."""


def links_of(*values: FieldValue) -> set[str]:
    """The hosts that texts link to, without `www.`, in the letters that people see."""
    found = set()
    for text in map(_plain, texts_of(*values)):
        found |= {_host(link[1]) for link in _URL.finditer(text)}
        found |= {_host(link[0]) for link in _BARE.finditer(text)}
    return found - {""}


def links_added(old: FieldValue, new: FieldValue) -> set[str]:
    """The hosts of the links that were not there before, to the letter."""
    known = {word for text in texts_of(old) for word in text.split()}
    return links_of([word for text in texts_of(new) for word in text.split() if word not in known])


def with_parents(hosts: Iterable[str]) -> set[str]:
    """These hosts, and the domains that they are part of."""
    labels = [host.split(".") for host in hosts]
    return {".".join(one[start:]) for one in labels for start in range(max(len(one) - 1, 1))}


def texts_of(*values: FieldValue) -> Iterator[str]:
    """The texts in values of a sheet."""
    for value in values:
        yield from value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _plain(text: str) -> str:
    """One spelling for full-width letters and dots, without what nobody sees."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).replace("\u3002", ".")


def _host(authority: str) -> str:
    after_user = _plain(unquote(authority.rpartition("@")[2]))
    host = "".join(takewhile(_of_a_host, after_user)).lower().strip(".-_")
    labels = [_readable(label) for label in host.removeprefix("www.").split(".")]
    host = ".".join(labels)
    named = len(labels) > 1 and _TOP.fullmatch(labels[-1])
    return host if named or _ADDRESS.fullmatch(host) else ""


def _of_a_host(sign: str) -> bool:
    return sign in "-._" or unicodedata.category(sign)[0] in "LNM"


def _readable(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label
