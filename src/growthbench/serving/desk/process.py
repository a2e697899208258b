"""The Desk in a process of its own, for a while or for good."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from growthbench.base.settings import QUIET, Settings
from growthbench.serving.beside import ServiceProcess
from growthbench.serving.desk.client import DeskAwayError, ask
from growthbench.serving.desk.settings import DeskSettings

COMMAND = [sys.executable, "-m", "growthbench.serving.desk.worker"]


def environment_of(settings: Settings | None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment in which a process finds these settings."""
    found = QUIET | dict(os.environ if environ is None else environ)
    if settings is not None:
        found |= {
            "GROWTHBENCH_HOME": str(settings.home),
            "GROWTHBENCH_DATABASE_URL": settings.database_url,
            "GROWTHBENCH_TENANT": settings.tenant,
        }
    return found


def serve_desk(settings: Settings | None = None) -> None:
    """Become the Desk: this process is replaced, SIGTERM and SIGINT stop it cleanly."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(COMMAND[0], COMMAND, environment_of(settings))


class DeskProcess(ServiceProcess):
    """A Desk, stopped at the end of the ``with`` block.

    Parameters
    ----------
    settings : Settings
    log : Path, optional
        File for what it prints; by default nothing is kept.
    within_s : float, default 60
        How long it may take until it answers.
    environment : mapping, optional
        Its environment, by default this process's.
    """

    def __init__(
        self,
        settings: Settings,
        log: Path | None = None,
        within_s: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ):
        where, environment = DeskSettings.read(settings.home).url, environment_of(settings, environment)
        super().__init__("the Desk", where, COMMAND, environment, log, within_s)

    def answers(self) -> bool:
        """Whether it answers now."""
        return answers(self.url)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.process.kill()
        self.process.wait()


def answers(url: str, within_s: float = 2.0) -> bool:
    """Whether a Desk answers there."""

    async def look() -> bool:
        async with asyncio.timeout(within_s):
            answer = await ask(url, "GET", "/readyz", [])
            await answer.whole()
            return answer.status == 200

    try:
        return asyncio.run(look())
    except (DeskAwayError, TimeoutError):
        return False
