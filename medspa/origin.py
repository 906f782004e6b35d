"""From which address a request comes.

`X-Forwarded-For` is written by whoever sends it. It is believed only as far as the proxies reach that TRUSTED_PROXIES
names: read from its end, hop by hop, up to the first address that is not one of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

UNIX = "unix"  # TRUSTED_PROXIES may name the local socket, which has no address
Network = IPv4Network | IPv6Network

_now: ContextVar[str] = ContextVar("origin", default="")


def client_address(meta: Mapping[str, str], trusted: Sequence[str]) -> str:
    """The address as text, IPv4 or IPv6; "" where there is none, as behind a local socket that is not trusted.

    `meta` is WSGI's environment; `trusted` holds addresses, networks or `unix`, as TRUSTED_PROXIES does.
    """
    here = _plain(meta.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while hops and _is_trusted(here, trusted):
        forwarded = _plain(hops.pop())
        if not forwarded:
            break  # no address at all: the last one that was told by a trusted proxy stands
        here = forwarded
    return here


def is_from_a_proxy(meta: Mapping[str, str], trusted: Sequence[str]) -> bool:
    """Whether what the headers tell was written, or passed on, by a proxy of our own."""
    return _is_trusted(_plain(meta.get("REMOTE_ADDR", "")), trusted)


def budget_of(address: str) -> str:
    """What counts as one sender: an IPv4 address, or the network of an IPv6 one, of which a home has a /64."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address}/64", strict=False).network_address)


def current() -> str:
    """The address of the request that is being answered in this thread; "" outside of one."""
    return _now.get()


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """While inside, `current()` is `address`."""
    token = _now.set(address)
    try:
        yield
    finally:
        _now.reset(token)


def _is_trusted(address: str, trusted: Sequence[str]) -> bool:
    if not address:
        return UNIX in trusted
    here = ip_address(address)
    return any(here in ip_network(name, strict=False) for name in trusted if name != UNIX)


def _plain(text: str) -> str:
    """An address without port, brackets or zone, IPv4 written as such; "" for anything else."""
    text = text.strip().split("%")[0]
    if text.startswith("["):
        text = text[1:].split("]")[0]
    elif text.count(":") == 1:
        text = text.split(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
