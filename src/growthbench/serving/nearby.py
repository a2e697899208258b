"""Whether somebody at this machine asks, and not a web page or a proxy that happens to run here."""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

_FORWARDED = frozenset((b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"))


def is_nearby(headers: list[tuple[bytes, bytes]], client: str) -> bool:
    """Whether a request comes from this machine, on purpose.

    The address of the peer alone does not tell: a proxy beside us has it, and so has a browser in which some page of
    the wide web asks (from its own origin, or under a name of its own that it let point here).
    """
    if not _is_loopback(client):
        return False
    host = None
    for name, value in headers:
        if name in _FORWARDED:
            return False
        if name == b"host":
            host = value
        elif name == b"origin" and not _is_ours(value.decode("latin-1")):
            return False
    return host is not None and _is_ours(f"//{host.decode('latin-1')}")


@lru_cache(256)
def _is_ours(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


@lru_cache(256)
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
