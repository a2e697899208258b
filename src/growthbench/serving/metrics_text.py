"""The families of metrics, and Prometheus' text format of them."""

from collections.abc import Mapping
from dataclasses import dataclass

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Family:
    """Name and meaning of a family: ``kind`` is counter, histogram (seconds) or gauge."""

    kind: str
    text: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
_FASTER = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)
_SLOW = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)

FAMILIES = {
    "api_requests_total": Family("counter", "Requests answered.", ("method", "endpoint", "status")),
    "api_request_duration_seconds": Family("histogram", "Time to answer a request.", ("method", "endpoint"), _FAST),
    "ml_model_prediction_latency": Family("histogram", "Seconds to compute scores.", ("task",), _FASTER),
    "agent_task_duration_seconds": Family("histogram", "Time of an agent's task.", ("role", "task"), _SLOW),
    "campaign_performance_metrics": Family("gauge", "Figures of campaigns.", ("campaign", "metric")),
    "growthbench_ingest_events_total": Family("counter", "Events by stage of the intake.", ("stage", "outcome")),
    "growthbench_live_connections": Family("gauge", "Open connections of the live channel."),
    "growthbench_live_messages_total": Family("counter", "Messages sent on the live channel.", ("topic",)),
    "growthbench_live_lagging_total": Family("counter", "Times a slow reader was sent back to the store."),
    "growthbench_webhook_deliveries_total": Family("counter", "Attempts to deliver webhooks.", ("outcome",)),
    "growthbench_memory_bytes": Family("gauge", "Resident memory of all workers."),
    "growthbench_check_seconds": Family("gauge", "Time the last health check took.", ("check",)),
    "growthbench_check_failed": Family("gauge", "1 where the last health check failed.", ("check",)),
}
"""Every family there is. One without a sample is not written: so agents and campaigns appear when there are some."""


def exposition(requests: Mapping[tuple, list], series: Mapping[tuple, list]) -> str:
    """Text of requests, by (endpoint, method, status), and of other series, by (family, *labels)."""
    found: dict[str, list[str]] = {}
    durations: dict[tuple, list] = {}
    for (endpoint, method, status), row in sorted(requests.items()):
        labels = _labels(FAMILIES["api_requests_total"].labels, (method, endpoint, str(status)))
        found.setdefault("api_requests_total", []).append(f"api_requests_total{labels} {sum(row[:-1])}")
        kept = durations.get((method, endpoint))
        durations[method, endpoint] = row if kept is None else [a + b for a, b in zip(kept, row)]
    for key, row in durations.items():
        found.setdefault("api_request_duration_seconds", []).extend(
            _histogram("api_request_duration_seconds", key, row)
        )
    for (name, *values), row in sorted(series.items()):
        family, lines = FAMILIES[name], found.setdefault(name, [])
        if family.kind == "histogram":
            lines.extend(_histogram(name, tuple(values), row))
        else:
            lines.append(f"{name}{_labels(family.labels, values)} {_number(row[0])}")
    return "".join(
        f"# HELP {name} {family.text}\n# TYPE {name} {family.kind}\n" + "\n".join(found[name]) + "\n"
        for name, family in FAMILIES.items()
        if name in found
    )


def _histogram(name: str, values: tuple, row: list) -> list[str]:
    family, lines, total = FAMILIES[name], [], 0
    for bound, count in zip((*map(_number, family.bounds), "+Inf"), row[:-1]):
        total += count
        lines.append(f"{name}_bucket{_labels((*family.labels, 'le'), (*values, bound))} {total}")
    labels = _labels(family.labels, values)
    return [*lines, f"{name}_count{labels} {total}", f"{name}_sum{labels} {_number(row[-1])}"]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _labels(names, values) -> str:
    if not names:
        return ""
    told = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in zip(names, values))
    return f"{{{told}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
