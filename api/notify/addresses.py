"""Where a webhook may lead: public addresses over TLS, and those of the office's own networks that the settings name.

A name is looked up once; the connection then goes to the very address that was checked, so that a name that changes its
mind between the two (DNS rebinding) reaches nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from api.errors import Unfit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

MOST_URL = 1000
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """A webhook leads to an address that it may not lead to."""


class NameUnknown(Exception):
    """A webhook's host has no address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a webhook leads, taken apart."""

    scheme: str
    host: str  #: as TLS and the `Host` header say it
    port: int
    path: str  #: with the query; may hold a robot's key

    @property
    def authority(self) -> str:
        """Give the value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _usual_port(self.scheme) else f"{host}:{self.port}"

    def shown(self) -> str:
        """Give the address as people may see it: without path and query, which may hold a key."""
        return f"{self.scheme}://{self.authority}/…"


def take_apart(url: str, networks: Sequence[Network]) -> Target:
    """Give the parts of a webhook's URL.

    Raises:
        Unfit: it is no address that a webhook may have, whatever its name leads to.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except (ValueError, UnicodeError) as error:
        raise Unfit("url: this is not an address such as https://example.org/hook.") from error
    if parts.scheme not in ("http", "https") or not host or len(url) > MOST_URL or not url.isprintable() or " " in url:
        raise Unfit("url: give an address such as https://example.org/hook, at most 1000 characters.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Unfit("url: an address with a user, a password or a # is not taken.")
    if parts.scheme == "http" and not networks:
        raise Unfit("url: give an https address; without TLS only networks of POINTWATCH_WEBHOOK_NETWORKS are reached.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(scheme=parts.scheme, host=host, port=port or _usual_port(parts.scheme), path=path)
    literal = _literal(host)
    if literal is not None and not permitted(literal, networks, encrypted=parts.scheme == "https"):
        raise Unfit(
            f"url: {host} is not a public address. Name its network in POINTWATCH_WEBHOOK_NETWORKS to allow it."
        )
    return target


async def find_address(target: Target, networks: Sequence[Network], lookup: Lookup) -> str:
    """Look the host up and give the address to connect to.

    Raises:
        NameUnknown: it has none. AddressRefused: it has one that a webhook may not lead to.
    """
    try:
        found = [ipaddress.ip_address(one) for one in await lookup(target.host, target.port)]
    except OSError as error:
        raise NameUnknown(target.host) from error
    if not found:
        raise NameUnknown(target.host)
    for one in found:  # one forbidden address among good ones is enough to make the name suspicious
        if not permitted(one, networks, encrypted=target.scheme == "https"):
            raise AddressRefused(str(one))
    return str(found[0])


async def look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]).partition("%")[0] for *_, address in found]


def permitted(address: Address, networks: Sequence[Network], *, encrypted: bool) -> bool:
    """Say whether a webhook may lead to an address: a public one with TLS, or one of the networks that are named."""
    inner = _inner(address)
    if any(inner in network for network in networks if network.version == inner.version):
        return True
    return encrypted and inner.is_global and not inner.is_multicast and not inner.is_reserved


def _inner(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
