"""The Desk as a BentoML service. Everything heavy is imported here, when it starts, and nowhere in the Door."""

import gc
import logging

from growthbench.base.settings import Settings, be_quiet

be_quiet()

import bentoml  # noqa: E402  its telemetry is decided by the environment, above

from growthbench.serving.desk.settings import DeskSettings  # noqa: E402
from growthbench.serving.entrance import Entrance, Lobby  # noqa: E402
from growthbench.serving.logs import set_up_logs  # noqa: E402
from growthbench.serving.outermost import put_outermost  # noqa: E402
from growthbench.serving.settings import DoorSettings  # noqa: E402

LOBBY = Lobby()
desk_settings = DeskSettings.read(Settings.read().home)
_max_body_bytes = DoorSettings.read().max_body_bytes
_host, _port = desk_settings.address or ("127.0.0.1", 3001)
_log = logging.getLogger("growthbench.serving")


@bentoml.service(
    name="growthbench-desk",
    workers=1,  # one process executes the jobs of a home
    http={"host": _host, "port": _port},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class Desk:
    """Documents, answers, content and chat, for the Door alone."""

    def __init__(self) -> None:
        from growthbench.serving.desk.handlers import DeskHandlers
        from growthbench.serving.desk.state import open_desk
        from growthbench.serving.desk.warming import warm
        from growthbench.serving.desk.works import Works

        set_up_logs()
        chatty = logging.getLogger("bm25s")  # it sets its own level, when it is imported, to tell of every index
        chatty.addFilter(lambda record: record.levelno >= logging.WARNING)
        self.state = open_desk()
        handlers = DeskHandlers(self.state)
        self.state.jobs.start(Works(self.state).by_kind())
        self.state.closing.append(self.state.jobs.close)
        LOBBY.open(self.state, handlers.routes())
        _log.info("the Desk serves %s", self.state.settings.home)
        self.state.closing.append(warm(self.state))
        gc.collect()
        gc.freeze()

    @bentoml.on_shutdown
    def close(self) -> None:
        """Finish what runs, and give everything back; jobs go on at the next start."""
        LOBBY.close()
        self.state.close()


put_outermost(Desk, lambda app: Entrance(app, _max_body_bytes, LOBBY))
