"""The Door in one process: BentoML's whole application, run by uvicorn without BentoML's supervisor.

The supervisor imports the service before its worker does: half of the start and 120 MB. One process needs none; several
(``GROWTHBENCH_WORKERS``), and bentos, are run by ``bentoml serve``. Same application, same routes.
"""

import os
import signal
import sys
import tempfile

from growthbench.base.settings import be_quiet
from growthbench.serving.logs import set_up_logs


def main(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests that run are finished first."""
    be_quiet()
    sys.setswitchinterval(0.0002)  # the writing thread comes back from SQLite often, and waits 5 ms each time otherwise
    os.environ.setdefault("OTEL_SDK_DISABLED", "true")  # as in the service's own ``envs``
    set_up_logs()
    with tempfile.TemporaryDirectory(prefix="growthbench-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics  # read by BentoML when it is imported
        import uvicorn

        from growthbench.serving.door import Door
        from growthbench.serving.settings import read_auth

        read_auth(host)
        config = uvicorn.Config(
            Door.to_asgi(),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,  # load balancers and clients keep idle connections for a minute
            timeout_graceful_shutdown=10,
        )
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when it has drained
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        server = uvicorn.Server(config)
        server.run()
    if not server.started:
        sys.exit(3)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
