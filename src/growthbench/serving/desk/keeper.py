"""Keeps a Desk beside a Door: starts it, starts it again when it dies, and ends it when the Door is gone.

A small process of its own, started by the Door once it serves: the Door waits for nothing, and nothing of the Desk is
in its process. Of several workers of a Door each has a keeper; the first one holds the lock, the others wait for it.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import TextIO

from growthbench.base.settings import Settings

VARIABLE = "GROWTHBENCH_DESK_BESIDE"
"""Set to 1 by `growthbench serve` and in bentos: the Door has a Desk kept beside it."""
FIRST_PAUSE_S, LONGEST_PAUSE_S, WELL_S = 0.5, 30.0, 60.0
"""How long is waited before a Desk is started again, doubled each time until it has lived well."""

_LOOK_S = 0.2
_DOORS_OWN = ("OTEL_SDK_DISABLED", "PROMETHEUS_MULTIPROC_DIR")


def start_beside() -> subprocess.Popen | None:
    """Start a keeper for this process, if it is to have one."""
    if os.environ.get(VARIABLE) != "1":
        return None
    environ = {name: value for name, value in os.environ.items() if name not in _DOORS_OWN}
    command = [sys.executable, "-m", "growthbench.serving.desk.keeper"]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environ)


def end(keeper: subprocess.Popen | None, within_s: float = 8.0) -> None:
    """End a keeper and its Desk."""
    if keeper is None:
        return
    keeper.terminate()
    try:
        keeper.wait(within_s)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()


class Keeper:
    """One keeper's life.

    Parameters
    ----------
    command : list of str
        How the Desk is started.
    """

    def __init__(self, command: list[str]):
        self._command, self._parent = command, os.getppid()
        self._ends = False
        self._desk: subprocess.Popen | None = None

    def run(self, lock: TextIO) -> None:
        """Keep until SIGTERM, SIGINT or the end of the parent."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        while not self.is_over and not _is_mine(lock):
            time.sleep(1)
        pause = FIRST_PAUSE_S
        while not self.is_over:
            begun = time.monotonic()
            self._desk = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
            while not self.is_over and self._desk.poll() is None:
                time.sleep(_LOOK_S)
            if self.is_over:
                break
            pause = FIRST_PAUSE_S if time.monotonic() - begun > WELL_S else pause
            print(f"growthbench: the Desk ended with {self._desk.returncode}; starting it again in {pause:g} s",
                  file=sys.stderr, flush=True)  # fmt: skip
            self._rest(pause)
            pause = min(LONGEST_PAUSE_S, 2 * pause)
        self._stop_desk()

    @property
    def is_over(self) -> bool:
        """Whether it is time to end."""
        return self._ends or os.getppid() != self._parent

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ends = True

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.is_over and time.monotonic() < until:
            time.sleep(_LOOK_S)

    def _stop_desk(self) -> None:
        if self._desk is None or self._desk.poll() is not None:
            return
        self._desk.terminate()
        try:
            self._desk.wait(7)
        except subprocess.TimeoutExpired:
            self._desk.kill()
            self._desk.wait()


def _is_mine(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def main() -> None:
    """Keep a Desk of the home that the environment names."""
    home = Settings.read().home
    home.mkdir(parents=True, exist_ok=True)
    with open(os.open(home / "desk.keeper.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        Keeper([sys.executable, "-m", "growthbench.serving.desk.worker", "--with-parent"]).run(lock)


if __name__ == "__main__":
    main()
