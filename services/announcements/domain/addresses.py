"""Which network addresses and web addresses others may have us call."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

from services.announcements.domain.hosts import (
    Address,
    is_public_name,
    literal_address,
    normal_host,
)
from shared.errors import InvalidField, InvalidInput

Network = IPv4Network | IPv6Network

_UNICAST = ip_network("2000::/3")
"""All of IPv6 that is given out to the public (RFC 4291)."""
_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 through a translator (RFC 6052): as good as the address inside."""
_TUNNELS = (
    ip_network("2001::/32"),  # Teredo
    ip_network("2002::/16"),  # 6to4
    ip_network("192.88.99.0/24"),  # the relays of 6to4
)
"""Lead to an address that is written inside, perhaps one of our network."""


def is_reachable(address: Address, private_networks: Iterable[Network]) -> bool:
    """Whether we may call it: it is public, or in one of the networks that settings allow."""
    address = _inner(address)
    if any(address in network for network in private_networks):
        return True
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    if any(address in tunnel for tunnel in _TUNNELS):
        return False
    return address.is_global and not address.is_multicast


def is_public_host(host: str) -> bool:
    """Whether a host is a public address, or a name that may lead to one."""
    address = literal_address(normal_host(host))
    return is_reachable(address, ()) if address else is_public_name(host)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def check_endpoint(
    url: str, *, private_networks: Iterable[Network], own_hosts: AbstractSet[str]
) -> None:
    """Raise `InvalidInput` unless we may be asked to call this address: https, public, not ours.

    `own_hosts` in their normal form.
    What a name leads to is checked at each call, as it may change.
    """
    networks = tuple(private_networks)
    parts = _parts(url)
    host = normal_host(parts.hostname or "")
    literal = literal_address(host)
    inside = literal is not None and any(_inner(literal) in one for one in networks)
    if parts.scheme != "https" and not (parts.scheme == "http" and inside):
        raise _invalid("scheme", "L'adresse doit commencer par https://.")
    if "@" in parts.netloc:
        raise _invalid("userinfo", "L'adresse ne doit contenir ni identifiant ni mot de passe.")
    if "#" in url:
        raise _invalid("fragment", "L'adresse ne doit pas contenir de « # ».")
    if host in own_hosts:
        raise _invalid("own_portal", "Cette adresse est celle du portail lui-même.")
    if not (is_reachable(literal, networks) if literal else is_public_host(host)):
        raise _invalid("private_address", "Cette adresse n'est pas joignable depuis Internet.")


def _parts(url: str) -> SplitResult:
    # clients and browsers do not agree on these characters, hence on the host
    unclear = "\\" in url or any(one.isspace() or not one.isprintable() for one in url)
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if unclear or not named:
        raise _invalid("url_parsing", "Il faut une adresse web complète (https://…).")
    return parts


def _invalid(rule: str, message: str) -> InvalidInput:
    return InvalidInput(invalid=[InvalidField("url", rule, message)])
