"""The Desk in one process: BentoML's application, run by uvicorn without BentoML's supervisor, as the Door is."""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from growthbench.base.errors import ConflictError
from growthbench.base.settings import be_quiet
from growthbench.serving.logs import set_up_logs


def main() -> None:
    """Serve until SIGTERM or SIGINT, or until the parent is gone if ``--with-parent`` was said."""
    be_quiet()
    set_up_logs()
    with tempfile.TemporaryDirectory(prefix="growthbench-desk-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics  # read by BentoML when it is imported
        code = _serve()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # whatever a thread still waits for, it is not waited for here


def _serve() -> int:
    import uvicorn

    from growthbench.serving.desk.service import Desk, desk_settings

    listening = listen(desk_settings.socket, desk_settings.address)
    config = uvicorn.Config(
        Desk.to_asgi(), log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    if "--with-parent" in sys.argv:
        _end_with_parent()
    server = uvicorn.Server(config)
    with contextlib.suppress(SystemExit, KeyboardInterrupt):
        server.run(sockets=[listening])
    if desk_settings.socket is not None:
        desk_settings.socket.unlink(missing_ok=True)
    return 0 if server.started else 3


def listen(path: Path | None, address: tuple[str, int] | None) -> socket.socket:
    """The socket to listen on; a Unix socket is its owner's alone.

    Raises
    ------
    ConflictError
        Somebody answers there already.
    """
    if path is None:
        found = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(128)
        return found
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.parent.stat().st_uid != os.getuid():
        raise ConflictError(f"{path.parent} belongs to somebody else: set GROWTHBENCH_DESK_URL")
    if _answers(path):
        raise ConflictError(f"somebody listens at {path} already")
    path.unlink(missing_ok=True)
    found = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        found.bind(str(path))
    finally:
        os.umask(before)
    found.listen(128)
    return found


def _answers(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(1)
        asking.connect(str(path))
        return True
    return False


def _end_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="growthbench-parent", daemon=True).start()


if __name__ == "__main__":
    main()
