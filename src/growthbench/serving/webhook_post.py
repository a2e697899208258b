"""One delivery over the wire: signed as Standard Webhooks say, to an address that is not inside our own walls."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import os
import secrets
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from growthbench.base.errors import BadInputError, GrowthbenchError

PREFIX = "whsec_"
TIMEOUT_S = 10.0
_READ = 1024
_EMBEDS = [ipaddress.ip_network(n) for n in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
_INSIDE = (".local", ".internal", ".localhost", ".lan", ".home.arpa")


class DeliveryError(GrowthbenchError):
    """A receiver did not take a delivery, or could not be reached."""

    status = 502
    title = "Not delivered"


@dataclass(frozen=True)
class Answered:
    """What a receiver answered: its status, and how long it asks us to wait, seconds."""

    status: int
    retry_after: float | None = None


def private_allowed() -> bool:
    """Whether ``GROWTHBENCH_WEBHOOKS_PRIVATE=1`` lets webhooks reach this machine and its neighbours."""
    return os.environ.get("GROWTHBENCH_WEBHOOKS_PRIVATE") == "1"


def new_secret() -> str:
    """A fresh signing secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signature(keys: Sequence[str], delivery_id: str, timestamp: int, body: bytes) -> str:
    """Value of ``webhook-signature``: HMAC-SHA256 over ``id.timestamp.body``, one for each secret that counts.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    told = f"{delivery_id}.{timestamp}.".encode() + body
    made = [hmac.new(base64.b64decode(k.removeprefix(PREFIX)), told, hashlib.sha256).digest() for k in keys]
    return " ".join(f"v1,{base64.b64encode(m).decode()}" for m in made)


def check_url(url: str, private: bool) -> SplitResult:
    """Refuse what can never be a receiver.

    Raises
    ------
    BadInputError
        No https URL (http too, where private addresses are allowed), or one that plainly leads inside.
    """
    schemes = ("https", "http") if private else ("https",)
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as exc:
        raise BadInputError(f"url is no URL: {exc}", field="url") from exc
    plain = len(url) <= 2000 and url.isascii() and not any(c.isspace() or ord(c) < 32 for c in url)
    if not plain or parts.scheme not in schemes or not host or parts.username or parts.password or port == 0:
        raise BadInputError(f"url must be {' or '.join(schemes)}://HOST/..., without a name in it", field="url")
    if not private:
        inside = host == "localhost" or host.endswith(_INSIDE)
        with contextlib.suppress(ValueError):  # a name: looked up when something is sent
            inside = inside or not is_outside(host)
        if inside:
            raise BadInputError(f"{host} lies inside: webhooks go to public addresses", field="url")
    return parts


def is_outside(address: str) -> bool:
    """Whether an IP address is a public one, and not a way to write a private one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.version == 6:
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in net for net in _EMBEDS):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def post(url: str, headers: dict[str, str], body: bytes, private: bool, timeout_s: float = TIMEOUT_S) -> Answered:
    """Send a body; redirects are not followed.

    The name is looked up once, every address it has is checked, and the connection goes to one that was checked: what
    the name means a moment later cannot lead it elsewhere.

    Raises
    ------
    DeliveryError
        It cannot be reached, or did not answer in time.
    """
    try:
        parts = check_url(url, private)
    except BadInputError as exc:
        raise DeliveryError(str(exc)) from exc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = _Connection(parts, _address(parts.hostname, port, private), port, timeout_s)
    # Each read has its time limit; this is the one for the whole, against a receiver that drips.
    limit = threading.Timer(2 * timeout_s, connection.cut)
    limit.daemon = True
    limit.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read(_READ)
        if connection.was_cut:  # reads as an answer that ended
            raise DeliveryError("the receiver was too slow to answer")
        return Answered(answer.status, _seconds(answer.headers.get("retry-after")))
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise DeliveryError(f"{type(exc).__name__}: {str(exc)[:200]}") from exc
    finally:
        limit.cancel()
        connection.close()


def _address(host: str, port: int, private: bool) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise DeliveryError(f"{host} is not known: {exc}") from exc
    addresses = list(dict.fromkeys(entry[4][0] for entry in found))
    if not private and (inside := [a for a in addresses if not is_outside(a)]):
        raise DeliveryError(f"{host} leads inside, to {inside[0]}")
    return addresses[0]


class _Connection(http.client.HTTPConnection):
    """To an address that was checked, by the name that was asked for."""

    def __init__(self, parts: SplitResult, address: str, port: int, timeout_s: float):
        super().__init__(parts.hostname, parts.port, timeout=timeout_s)
        self._address, self._port, self._tls = address, port, parts.scheme == "https"
        self.was_cut = False

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self._port), self.timeout)
        if self._tls:
            self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        """End it from another thread."""
        self.was_cut = True
        if (sock := self.sock) is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 7 else None
