"""Start the Door: in this process's place for good, or beside it for a while."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from growthbench.base.errors import NotReadyError
from growthbench.base.settings import QUIET, Settings
from growthbench.serving.settings import DoorSettings

SERVICE = "growthbench.serving.door:Door"


def serve(port: int | None = None, host: str | None = None, settings: Settings | None = None) -> None:
    """Become the Door's server: this process is replaced, SIGTERM and SIGINT stop it cleanly.

    Parameters
    ----------
    port, host : optional
        By default ``GROWTHBENCH_PORT`` and ``GROWTHBENCH_HOST``, else 3000 on the loopback address.
    settings : Settings, optional
        Which home, store and tenant; by default from the environment.
    """
    command, environment = _command(SERVICE, port, host, settings)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment)


class DoorProcess:
    """The Door in a process of its own, stopped at the end of the ``with`` block.

    Parameters
    ----------
    port : int
    settings : Settings, optional
        Which home, store and tenant; by default from the environment.
    service : str
        What ``bentoml serve`` takes: an import string, or the tag of a bento.
    folder : Path, optional
        Where to start it, by default here.
    log : Path, optional
        File for what it prints; by default nothing is kept.
    within_s : float, default 60
        How long it may take until it answers.
    environment : mapping, optional
        Its environment, by default this process's.
    supervised : bool, default False
        Run ``bentoml serve`` also where one process of ours would do (see `worker`).

    Attributes
    ----------
    url : str
    start_s : float
        How long it took until ``/readyz`` answered, seconds.
    """

    def __init__(
        self,
        port: int,
        settings: Settings | None = None,
        service: str = SERVICE,
        folder: Path | None = None,
        log: Path | None = None,
        within_s: float = 60.0,
        environment: Mapping[str, str] | None = None,
        supervised: bool = False,
    ):
        self.url = f"http://127.0.0.1:{port}"
        self._command, self._environment = _command(service, port, "127.0.0.1", settings, environment, supervised)
        self._folder, self._log, self._within_s = folder, log, within_s
        self.process: subprocess.Popen | None = None
        self.start_s = 0.0

    def __enter__(self) -> "DoorProcess":
        return self.start()

    def start(self) -> "DoorProcess":
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

    def __exit__(self, *exc) -> None:
        self.stop()

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
        while time.monotonic() - begun < self._within_s:
            if (code := self.process.poll()) is not None:
                raise NotReadyError(f"the Door ended with exit code {code} while starting{self._hint()}")
            try:
                with urlopen(f"{self.url}/livez", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.05)
        raise NotReadyError(f"the Door did not answer at {self.url} within {self._within_s:g} s{self._hint()}")

    def _hint(self) -> str:
        return f"; see {self._log}" if self._log else ""


def _command(
    service: str,
    port: int | None,
    host: str | None,
    settings: Settings | None,
    environment: Mapping[str, str] | None = None,
    supervised: bool = False,
) -> tuple[list[str], dict[str, str]]:
    door = DoorSettings.read()
    host, port = host or door.host, door.port if port is None else port
    if service == SERVICE and door.workers == 1 and not supervised:
        command = [sys.executable, "-m", "growthbench.serving.worker", host, str(port)]
    else:
        command = [sys.executable, "-m", "bentoml", "serve", service, "--host", host, "--port", str(port)]
    environment = QUIET | dict(os.environ if environment is None else environment)
    if settings is not None:
        environment |= {
            "GROWTHBENCH_HOME": str(settings.home),
            "GROWTHBENCH_DATABASE_URL": settings.database_url,
            "GROWTHBENCH_TENANT": settings.tenant,
        }
    return command, environment
