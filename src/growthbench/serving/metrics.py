"""What the Door counts and times: plain lists in memory, added up over all workers when somebody asks."""

import contextlib
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

import msgspec

from growthbench.serving.metrics_text import FAMILIES, exposition

_FLUSH_S = 0.5
_MOST_SERIES = 2000
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_ENCODER = msgspec.msgpack.Encoder()


class Metrics:
    """Counters, histograms and gauges of one process.

    Recording costs about half a microsecond: a look-up, a bisection, two additions. Twice a second all of it is written
    to a file in a folder that all workers of a server share; `text` adds the files of the others to what this process
    knows. A worker's file outlives it, so counters never fall.

    Parameters
    ----------
    folder : Path, optional
        The shared folder, by default ``PROMETHEUS_MULTIPROC_DIR``, which BentoML sets; without one, this process counts
        alone.
    """

    def __init__(self, folder: Path | None = None):
        named = folder or os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self._folder = Path(named) if named else None
        self._file = f"growthbench-{os.getpid()}-{os.urandom(4).hex()}.metrics"
        self._lock = threading.Lock()
        self._requests: dict[tuple, list] = {}
        self._series: dict[tuple, list] = {}  # (family, *labels) -> [number], or counts by bucket and the sum
        self._watchers: list[Callable[[Metrics], None]] = []
        self._bounds = FAMILIES["api_request_duration_seconds"].bounds
        self._closed = threading.Event()
        self._flusher: threading.Thread | None = None
        if self._folder is not None:
            self._flusher = threading.Thread(target=self._flush_often, name="growthbench-metrics", daemon=True)
            self._flusher.start()

    def request(self, route_path: str, method: str, status: int, seconds: float) -> None:
        """One answered request. ``route_path`` is the route's pattern, never what a caller wrote."""
        key = (route_path, method, status)
        row = self._requests.get(key)
        if row is None:
            if method not in _METHODS:
                key = (route_path, "other", status)
            row = self._requests.setdefault(key, [0] * (len(self._bounds) + 1) + [0.0])
        place = bisect_left(self._bounds, seconds)
        with self._lock:
            row[place] += 1
            row[-1] += seconds

    def stage(self, name: str, n: int = 1, outcome: str = "ok") -> None:
        """``n`` events passed a stage of the intake (validation, enrichment, sessions, profile, segments)."""
        self.count("growthbench_ingest_events_total", name, outcome, n=n)

    def prediction(self, task: str, seconds: float) -> None:
        """One score, or one set of scores, was computed."""
        self.observe("ml_model_prediction_latency", task, seconds=seconds)

    def count(self, family: str, *labels: str, n: float = 1) -> None:
        """Add to a counter of `FAMILIES`."""
        row = self._row(family, labels, 1)
        with self._lock:
            row[0] += n

    def observe(self, family: str, *labels: str, seconds: float) -> None:
        """Time something into a histogram of `FAMILIES`."""
        bounds = FAMILIES[family].bounds
        row = self._row(family, labels, len(bounds) + 2)
        place = bisect_left(bounds, seconds)
        with self._lock:
            row[place] += 1
            row[-1] += seconds

    def gauge(self, family: str, *labels: str, value: float) -> None:
        """Set a gauge of `FAMILIES`; over the workers gauges are added up."""
        self._row(family, labels, 1)[0] = value

    def watch(self, watcher: "Callable[[Metrics], None]") -> None:
        """Call ``watcher(metrics)`` before every flush and every answer, to set gauges; it must be quick."""
        self._watchers.append(watcher)

    def text(self) -> str:
        """Everything, of all workers, in Prometheus' text format."""
        requests, series = self._snapshot()
        for others, alive in self._others():
            _add(requests, others[0])
            _add(series, {k: v for k, v in others[1].items() if alive or FAMILIES[k[0]].kind != "gauge"})
        return exposition(requests, series)

    def close(self) -> None:
        """Write the last state for the other workers."""
        self._closed.set()
        if self._flusher is not None:
            self._flusher.join(5)
            with contextlib.suppress(OSError):  # the folder is gone when the whole server stops
                self._flush()

    def _row(self, family: str, labels: tuple, length: int) -> list:
        key = (family, *labels)
        row = self._series.get(key)
        if row is None:
            if len(labels) != len(FAMILIES[family].labels):
                raise ValueError(f"{family} has the labels {FAMILIES[family].labels}, found {labels}")
            if len(self._series) >= _MOST_SERIES:  # a label somebody outside can choose must not fill the memory
                key = (family, *("other" for _ in labels))
            row = self._series.setdefault(key, [0] * length)
        return row

    def _snapshot(self) -> tuple[dict, dict]:
        for watcher in self._watchers:
            watcher(self)
        with self._lock:
            return ({k: list(v) for k, v in self._requests.copy().items()},
                    {k: list(v) for k, v in self._series.copy().items()})  # fmt: skip

    def _flush_often(self) -> None:
        while not self._closed.wait(_FLUSH_S):
            with contextlib.suppress(OSError):
                self._flush()

    def _flush(self) -> None:
        raw = _ENCODER.encode([list(part.items()) for part in self._snapshot()])
        path = self._folder / self._file
        part = path.with_suffix(".part")
        part.write_bytes(raw)
        part.replace(path)

    def _others(self):
        """What the other workers last wrote, and whether each still runs."""
        for path in self._folder.glob("growthbench-*.metrics") if self._folder else ():
            if path.name != self._file:
                with contextlib.suppress(OSError, msgspec.DecodeError):
                    parts = msgspec.msgpack.decode(path.read_bytes())
                    told = [{tuple(key): row for key, row in part} for part in parts]
                    yield told, _runs(int(path.name.split("-")[1]))


def _add(to: dict, more: dict) -> None:
    for key, row in more.items():
        kept = to.get(key)
        to[key] = row if kept is None else [a + b for a, b in zip(kept, row)]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def process_memory(metrics: Metrics) -> None:
    """A watcher: resident memory of this worker."""
    with contextlib.suppress(OSError, ValueError), open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
        metrics.gauge("growthbench_memory_bytes", value=pages * os.sysconf("SC_PAGE_SIZE"))


class timed:  # noqa: N801  reads as a verb: ``with timed(metrics, "agent_task_duration_seconds", role, task)``
    """Times a ``with`` block into a histogram, also when it raises."""

    def __init__(self, metrics: Metrics, family: str, *labels: str):
        self._to = metrics, family, labels

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *exc) -> None:
        metrics, family, labels = self._to
        metrics.observe(family, *labels, seconds=time.perf_counter() - self._begun)
