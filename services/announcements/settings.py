"""The announcements' settings, beside those that every service has."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from services.announcements.domain.hosts import normal_host
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    public_url: str = "http://127.0.0.1:8003"
    """Where people and feed readers find this service: links in feeds and events start with it."""
    own_hosts: tuple[str, ...] = ()
    """The portal's own hosts or addresses, as a JSON list, beside `public_url`: a call must be
    published elsewhere."""
    ulule_api_url: str = "https://api.ulule.com/v1"
    ulule_pull_period: timedelta = timedelta(hours=1)
    """How often all online projects of a partner are looked at, for pushes that were lost."""
    ulule_missing_pause: timedelta = timedelta(minutes=5)
    """After which a project that Ulule does not know is asked for again, before it is gone."""
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that calls to others may reach although they are not public, as a JSON list."""
    webhook_timeout: timedelta = timedelta(seconds=15)

    @property
    def portal_hosts(self) -> frozenset[str]:
        """The hosts that are the portal itself, in their normal form."""
        addresses = [
            one if "//" in one else f"//{one}" for one in (self.public_url, *self.own_hosts)
        ]
        hosts = [urlsplit(address).hostname for address in addresses]
        return frozenset(normal_host(host) for host in hosts if host)
