"""Hosts of web addresses: in one form, whatever way they are written, and which may be public."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
# what is all digits at the end is no name of a domain
_NAME = re.compile(rf"({_LABEL}\.)+(?!\d+\Z){_LABEL}", re.ASCII)
_LONGEST_NAME = 253
_INTERNAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".test", ".invalid")


def normal_host(host: str) -> str:
    """A host as it is compared: one address or one name, without case, accents or `www.`."""
    host = _ascii(host.lower()).rstrip(".")
    address = literal_address(host)
    if address:
        return str(address)
    # a site is the same with it and without, but for a name that has nothing else
    bare = host.removeprefix("www.")
    return bare if "." in bare else host


def literal_address(host: str) -> Address | None:
    """The address that a host is, in any form that a resolver reads as one (`0x7f.1`, `127.1`)."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def is_public_name(host: str) -> bool:
    """Whether a host is a well-formed name that can be known on the Internet; IDN allowed."""
    name = _ascii(host.lower()).removesuffix(".")
    fits = len(name) <= _LONGEST_NAME and _NAME.fullmatch(name)
    return bool(fits) and not name.endswith(_INTERNAL_NAMES)


def _ascii(host: str) -> str:
    # also turns other alphabets' digits and dots into what a resolver reads
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host
