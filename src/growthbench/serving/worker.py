"""The Door in one process: BentoML's whole application, run by uvicorn without BentoML's supervisor.

The supervisor imports the service before its worker does: half of the start and 120 MB. One process needs none; several
(``GROWTHBENCH_WORKERS``), and bentos, are run by ``bentoml serve``. Same application, same routes.
"""

import logging
import os
import signal
import sys
import tempfile

from growthbench.base.settings import be_quiet


def main(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests that run are finished first."""
    be_quiet()
    os.environ.setdefault("OTEL_SDK_DISABLED", "true")  # as in the service's own ``envs``
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with tempfile.TemporaryDirectory(prefix="growthbench-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics  # read by BentoML when it is imported
        import uvicorn

        from growthbench.serving.door import Door

        config = uvicorn.Config(
            Door.to_asgi(),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
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
