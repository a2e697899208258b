"""A service in a process of its own beside this one, for a while: started, waited for, stopped."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from growthbench.base.errors import NotReadyError


class ServiceProcess(ABC):
    """A process, stopped at the end of the ``with`` block.

    Parameters
    ----------
    name : str
        As it is told in errors, such as ``the Door``.
    url : str
        Where it will answer.
    command : sequence of str
    environment : mapping
        All of it.
    log : Path or None
        File for what it prints; None keeps nothing.
    within_s : float
        How long it may take until it answers.
    folder : Path, optional
        Where to start it, by default here.

    Attributes
    ----------
    url : str
    process : subprocess.Popen or None
    start_s : float
        How long it took until it answered, seconds.
    """

    def __init__(
        self,
        name: str,
        url: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path | None,
        within_s: float,
        folder: Path | None = None,
    ):
        self.url, self.start_s = url, 0.0
        self.process: subprocess.Popen | None = None
        self._name, self._command, self._environment = name, command, environment
        self._log, self._within_s, self._folder = log, within_s, folder

    @abstractmethod
    def answers(self) -> bool:
        """Whether it answers now."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc) -> None:
        self.stop()

    def start(self) -> Self:
        """Start it and wait until it answers; `stop` it yourself.

        Raises
        ------
        NotReadyError
            It ended, or did not answer in time.
        """
        begun = time.monotonic()
        with open(self._log or os.devnull, "ab") as out:
            self.process = subprocess.Popen(
                self._command, env=self._environment, cwd=self._folder, stdout=out, stderr=subprocess.STDOUT
            )
        try:
            self._wait(begun)
        except BaseException:
            self.stop()
            raise
        self.start_s = time.monotonic() - begun
        return self

    def stop(self, within_s: float = 15.0) -> int:
        """SIGTERM, and SIGKILL if it does not end in time; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def _wait(self, begun: float) -> None:
        hint = f"; see {self._log}" if self._log else ""
        while time.monotonic() - begun < self._within_s:
            if (code := self.process.poll()) is not None:
                raise NotReadyError(f"{self._name} ended with exit code {code} while starting{hint}")
            if self.answers():
                return
            time.sleep(0.05)
        raise NotReadyError(f"{self._name} did not answer at {self.url} within {self._within_s:g} s{hint}")
