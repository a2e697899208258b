"""Settings of the Door, read from the environment once."""

import ipaddress
import os
from dataclasses import dataclass

from growthbench.base.errors import SettingsError


@dataclass(frozen=True)
class DoorSettings:
    """Limits of the Door.

    Attributes
    ----------
    host, port : str, int
        Where it listens (``GROWTHBENCH_HOST``, ``GROWTHBENCH_PORT``): loopback, 3000.
    workers : int
        Processes (``GROWTHBENCH_WORKERS``), default 1.
    threads : int
        Requests of one process that work at the same time (``GROWTHBENCH_THREADS``), default 4.
    timeout_s : float
        After which a request is answered 504 (``GROWTHBENCH_TIMEOUT_S``), default 5 s. Short on purpose: BentoML keeps
        the memory of every request until its timeout has passed.
    max_body_bytes : int
        Largest body, counted as received (``GROWTHBENCH_MAX_BODY_BYTES``), default 4 MiB.
    max_rows : int
        Most rows or people in a request (``GROWTHBENCH_MAX_ROWS``), default 1000.
    follow_s : float
        Within which time a promotion is followed and an erasure by another process is known
        (``GROWTHBENCH_FOLLOW_S``), default 0.5 s.
    auth : {"keys", "none"}
        ``none`` (``GROWTHBENCH_AUTH``): callers at this machine need no key; only while ``host`` is a loopback address.
    cors_origins : tuple of str
        Web pages that may call from a browser (``GROWTHBENCH_CORS_ORIGINS``, separated by commas): ``*`` (the default)
        any page, to send events; named origins, every route.
    intake_stream : str or None
        Redis Stream that events are also taken from (``GROWTHBENCH_INTAKE_STREAM``), in Redis at
        ``GROWTHBENCH_REDIS_URL``; default none.
    """

    host: str = "127.0.0.1"
    port: int = 3000
    workers: int = 1
    threads: int = 4
    timeout_s: float = 5.0
    max_body_bytes: int = 4 * 1024 * 1024
    max_rows: int = 1000
    follow_s: float = 0.5
    auth: str = "keys"
    cors_origins: tuple[str, ...] = ("*",)
    intake_stream: str | None = None

    @classmethod
    def read(cls) -> "DoorSettings":
        """Settings from the environment.

        Raises
        ------
        SettingsError
            A variable is no positive number, or no known word; ``field`` names it.
        """
        default = cls()
        given = {name: positive(f"GROWTHBENCH_{name.upper()}", getattr(default, name)) for name in _NUMBERS}
        host = os.environ.get("GROWTHBENCH_HOST", default.host)
        return cls(host=host, auth=read_auth(host), cors_origins=_origins(default.cors_origins),
                   intake_stream=os.environ.get("GROWTHBENCH_INTAKE_STREAM") or None, **given)  # fmt: skip


_NUMBERS = ("port", "workers", "threads", "timeout_s", "max_body_bytes", "max_rows", "follow_s")


def read_auth(host: str) -> str:
    """``keys`` or ``none``, as ``GROWTHBENCH_AUTH`` says.

    Raises
    ------
    SettingsError
        Another word, or ``none`` where others than this machine could call.
    """
    auth = os.environ.get("GROWTHBENCH_AUTH", "keys")
    if auth not in ("keys", "none"):
        raise SettingsError(f"GROWTHBENCH_AUTH must be keys or none, found {auth!r}", field="GROWTHBENCH_AUTH")
    if auth == "none" and not is_loopback(host):
        raise SettingsError(
            f"GROWTHBENCH_AUTH=none opens the service to all who reach {host}: listen on 127.0.0.1, or use keys",
            field="GROWTHBENCH_AUTH",
        )
    return auth


def is_loopback(host: str) -> bool:
    """Whether only this machine can call a host's address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origins(default: tuple[str, ...]) -> tuple[str, ...]:
    text = os.environ.get("GROWTHBENCH_CORS_ORIGINS")
    return default if text is None else tuple(o for part in text.split(",") if (o := part.strip().rstrip("/")))


def positive(name: str, default: float) -> float:
    """A positive number from an environment variable, of the default's type.

    Raises
    ------
    SettingsError
        It is none; ``field`` names the variable.
    """
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        value = type(default)(text)
    except ValueError:
        value = 0
    if not value > 0:
        raise SettingsError(f"{name} must be a positive {type(default).__name__}, found {text!r}", field=name)
    return value
