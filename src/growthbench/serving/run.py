"""Start the Door: in this process's place for good, or beside it for a while."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from growthbench.base.settings import QUIET, Settings
from growthbench.serving.beside import ServiceProcess
from growthbench.serving.desk.keeper import VARIABLE as BESIDE
from growthbench.serving.desk.settings import DeskSettings
from growthbench.serving.settings import DoorSettings, read_auth

SERVICE = "growthbench.serving.door:Door"


def serve(
    port: int | None = None, host: str | None = None, settings: Settings | None = None, beside: bool = True
) -> None:
    """Become the Door's server: this process is replaced, SIGTERM and SIGINT stop it cleanly.

    Parameters
    ----------
    port, host : optional
        By default ``GROWTHBENCH_PORT`` and ``GROWTHBENCH_HOST``, else 3000 on the loopback address.
    settings : Settings, optional
        Which home, store and tenant; by default from the environment.
    beside : bool, default True
        Keep a Desk beside it, unless ``GROWTHBENCH_DESK_URL`` names one elsewhere.
    """
    command, environment = _command(SERVICE, port, host, settings)
    environment.setdefault(BESIDE, "1" if beside and _has_desk_here(environment) else "0")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment)


def _has_desk_here(environment: Mapping[str, str]) -> bool:
    return DeskSettings.read(Path(environment.get("GROWTHBENCH_HOME") or Settings.read().home)).socket is not None


class DoorProcess(ServiceProcess):
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
        command, environment = _command(service, port, "127.0.0.1", settings, environment, supervised)
        super().__init__("the Door", f"http://127.0.0.1:{port}", command, environment, log, within_s, folder)

    def answers(self) -> bool:
        """Whether it answers now."""
        try:
            with urlopen(f"{self.url}/livez", timeout=2):
                return True
        except (URLError, OSError):
            return False


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
    read_auth(host)  # before anything is started: whether it may listen there without keys
    if service == SERVICE and door.workers == 1 and not supervised:
        command = [sys.executable, "-m", "growthbench.serving.worker", host, str(port)]
    else:
        command = [sys.executable, "-m", "bentoml", "serve", service, "--host", host, "--port", str(port)]
        command += ["--timeout-keep-alive", "75"]
    environment = QUIET | dict(os.environ if environment is None else environment)
    environment |= {"GROWTHBENCH_HOST": host, "GROWTHBENCH_PORT": str(port)}
    if settings is not None:
        environment |= {
            "GROWTHBENCH_HOME": str(settings.home),
            "GROWTHBENCH_DATABASE_URL": settings.database_url,
            "GROWTHBENCH_TENANT": settings.tenant,
        }
    return command, environment
