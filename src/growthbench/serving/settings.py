"""Settings of the Door, read from the environment once."""

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
        Within which time a promotion is followed (``GROWTHBENCH_FOLLOW_S``), default 0.5 s.
    """

    host: str = "127.0.0.1"
    port: int = 3000
    workers: int = 1
    threads: int = 4
    timeout_s: float = 5.0
    max_body_bytes: int = 4 * 1024 * 1024
    max_rows: int = 1000
    follow_s: float = 0.5

    @classmethod
    def read(cls) -> "DoorSettings":
        """Settings from the environment.

        Raises
        ------
        SettingsError
            A variable is no positive number; ``field`` names it.
        """
        default = cls()
        given = {name: _positive(f"GROWTHBENCH_{name.upper()}", getattr(default, name)) for name in _NUMBERS}
        return cls(host=os.environ.get("GROWTHBENCH_HOST", default.host), **given)


_NUMBERS = ("port", "workers", "threads", "timeout_s", "max_body_bytes", "max_rows", "follow_s")


def _positive(name: str, default: float) -> float:
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
