"""Settings of the Desk, and of the way to it, read from the environment once."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from growthbench.base.errors import SettingsError
from growthbench.base.ids import digest
from growthbench.serving.settings import positive

NONE = "none"
_LONGEST_SOCKET = 100  # what a socket's path may hold is 104 to 108 bytes, by system


@dataclass(frozen=True)
class DeskSettings:
    """Where the Desk is, and how much it takes on.

    Attributes
    ----------
    url : str
        Where the Desk listens and the Door asks it (``GROWTHBENCH_DESK_URL``): ``unix:PATH`` on this machine,
        ``http://HOST:PORT`` for a Desk that is started elsewhere, or ``none``.
    threads : int
        Requests of each class that work at the same time (``GROWTHBENCH_DESK_THREADS``), default 4.
    waiting : int
        Requests of each class that may wait beside those (``GROWTHBENCH_DESK_WAITING``); more are answered 503 at once.
        One tenant has half of all places. Default 28.
    retrieve_s : float
        After which searching is given up (``GROWTHBENCH_DESK_RETRIEVE_S``), default 10 s.
    generate_s : float
        After which writing and answering are given up (``GROWTHBENCH_DESK_GENERATE_S``), default 60 s.
    traces : {"auto", "on", "off"}
        Write MLflow traces of what is asked of language models (``GROWTHBENCH_TRACES``); ``auto`` (the default): if a
        tracking URL is set, or the home has a tracking database already.
    """

    url: str = ""
    threads: int = 4
    waiting: int = 28
    retrieve_s: float = 10.0
    generate_s: float = 60.0
    traces: str = "auto"

    @classmethod
    def read(cls, home: Path) -> "DeskSettings":
        """Settings from the environment, for a home.

        Raises
        ------
        SettingsError
            A variable is no positive number, no address or no known word; ``field`` names it.
        """
        default = cls()
        numbers = {name: positive(variable, getattr(default, name)) for name, variable in _NUMBERS.items()}
        url = _checked_url(os.environ.get("GROWTHBENCH_DESK_URL") or f"unix:{default_socket(home)}")
        return cls(url=url, traces=_traces(), **numbers)

    @property
    def socket(self) -> Path | None:
        """Path of the Unix socket, if it is one."""
        return Path(self.url.removeprefix("unix:")) if self.url.startswith("unix:") else None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, if it is at such."""
        if not self.url.startswith("http://"):
            return None
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    def limit_s(self, work: str) -> float:
        """Time limit of a class of work, ``retrieve`` or ``generate``."""
        return self.generate_s if work == "generate" else self.retrieve_s


_NUMBERS = {
    "threads": "GROWTHBENCH_DESK_THREADS",
    "waiting": "GROWTHBENCH_DESK_WAITING",
    "retrieve_s": "GROWTHBENCH_DESK_RETRIEVE_S",
    "generate_s": "GROWTHBENCH_DESK_GENERATE_S",
}


def default_socket(home: Path) -> Path:
    """The Desk's socket: in the home, or where the path is short enough for a socket."""
    path = home.absolute() / "desk.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET:
        return path
    return Path(tempfile.gettempdir()) / f"growthbench-{os.getuid()}" / f"{digest(str(path))[:16]}.sock"


def _checked_url(url: str) -> str:
    url = url.rstrip("/")
    if url == NONE or (url.startswith("unix:") and len(os.fsencode(url)) <= _LONGEST_SOCKET + len("unix:")):
        return "unix:" + str(Path(url[5:]).absolute()) if url != NONE else url
    try:
        parts = urlsplit(url)
        good = parts.scheme == "http" and bool(parts.hostname) and not parts.path and (parts.port or 80) > 0
    except ValueError:
        good = False
    if not good:
        raise SettingsError(
            f"GROWTHBENCH_DESK_URL must be unix:PATH (at most {_LONGEST_SOCKET} bytes), http://HOST:PORT or none; "
            f"found {url!r}",
            field="GROWTHBENCH_DESK_URL",
        )
    return url


def _traces() -> str:
    told = os.environ.get("GROWTHBENCH_TRACES", "auto").lower()
    found = {"1": "on", "0": "off"}.get(told, told)
    if found not in ("auto", "on", "off"):
        raise SettingsError(f"GROWTHBENCH_TRACES must be auto, on or off, found {told!r}", field="GROWTHBENCH_TRACES")
    return found
