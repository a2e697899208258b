"""Traces of what language models were asked: one MLflow trace a request, of one tenant, masked, with its cost.

A trace is a help, never a condition: whatever goes wrong with it is logged, and the request goes on.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from growthbench.base.clock import now_us
from growthbench.base.ids import new_id
from growthbench.base.settings import Settings
from growthbench.language.calls import spending
from growthbench.language.masking import Mask
from growthbench.language.payer import paid_by
from growthbench.language.spoken import prompts_noted, versions_told
from growthbench.ledger.micros import dollars
from growthbench.runs.tracker import open_tracker, quiet_mlflow
from growthbench.store.engine import Store

EXPERIMENT = "desk"
KEPT_DAYS = 30
"""After which a trace is deleted."""
LONGEST_TEXT = 20_000
"""Characters of one text that a trace keeps."""

_HOUR_S = 3600
_log = logging.getLogger("growthbench.runs")


@dataclass
class Trace:
    """One request.

    Attributes
    ----------
    run : str
        Under which the calls of language models are to be booked.
    tags : dict of str to str
        What else is to be told. ``prompt_version`` is told by itself: of every program that spoke (`language.spoken`).
    cost : int or None
        Micro-USD booked. What the block does not tell is summed up under ``run`` when it is left.
    """

    run: str
    tags: dict[str, str] = field(default_factory=dict)
    cost: int | None = None

    @property
    def cost_usd(self) -> str:
        """The same in dollars."""
        return str(dollars(self.cost or 0))


class Traces:
    """Writes traces, if it is wanted.

    Parameters
    ----------
    settings : Settings
    wanted : {"auto", "on", "off"}
        ``auto``: if a tracking URL is set, or the tracking database is there already.
    """

    def __init__(self, settings: Settings, wanted: str = "auto"):
        self._settings = settings
        self.wanted = wanted == "on" or (wanted == "auto" and _is_tracked(settings))
        self.is_on = False
        self._stop = threading.Event()
        self._keeper: threading.Thread | None = None

    def start(self) -> bool:
        """Switch tracing on, DSPy's and LlamaIndex's steps included (imports MLflow: seconds); whether it is on."""
        if not self.wanted or self._stop.is_set():
            return False
        try:
            self._experiment = self._switch_on()
        except Exception:
            _log.exception("traces cannot be written; requests are answered without them")
            return False
        self.is_on = True
        self._keeper = threading.Thread(target=self._keep_on, name="growthbench-traces", daemon=True)
        self._keeper.start()
        return True

    @contextmanager
    def request(self, name: str, store: Store, tenant: str, request_id: str) -> Iterator[Trace]:
        """A block that is one trace: what language models do in it, by which prompts, and what they cost."""
        trace, span = Trace(new_id("run")), None
        tags = {"tenant": tenant, "request_id": request_id, "run": trace.run}
        if self.is_on:
            span = _guarded(lambda: _begin(name, tags))
        error: BaseException | None = None
        try:
            with prompts_noted() as noted, paid_by(run=trace.run):
                yield trace
        except BaseException as exc:
            error = exc
            raise
        finally:
            if trace.cost is None:
                trace.cost = _guarded(lambda: spending(store, tenant, run=trace.run).cost)
            trace.tags.setdefault("prompt_version", versions_told(noted))
            if span is not None:
                _guarded(lambda: _end(span, trace, error))

    def flush(self) -> None:
        """Wait until what was traced is written."""
        if self.is_on:
            import mlflow

            _guarded(lambda: mlflow.flush_trace_async_logging())

    def forget(self, before_ms: int) -> int:
        """Delete traces that began before a moment (ms since 1970); returns how many."""
        client = open_tracker(self._settings).client
        return client.delete_traces(self._experiment, max_timestamp_millis=before_ms, max_traces=1000)

    def close(self) -> None:
        """Write what waits."""
        self._stop.set()
        if self._keeper is not None:
            self.flush()
            self._keeper.join(5)

    def _switch_on(self) -> str:
        if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            raise RuntimeError("OTEL_SDK_DISABLED=true switches MLflow's traces off, too")
        tracker = open_tracker(self._settings)
        experiment = tracker.experiment(EXPERIMENT)
        with quiet_mlflow():
            import mlflow
            import mlflow.dspy
            import mlflow.llama_index

            mlflow.set_tracking_uri(tracker.url)
            mlflow.set_experiment(experiment_id=experiment)
            mlflow.tracing.configure(span_processors=[_mask_span])
            mlflow.dspy.autolog(silent=True)
            mlflow.llama_index.autolog(silent=True)
        return experiment

    def _keep_on(self) -> None:
        while True:
            _guarded(lambda: self.forget(now_us() // 1000 - KEPT_DAYS * 24 * _HOUR_S * 1000))
            if self._stop.wait(_HOUR_S):
                return


def masked(value: Any) -> Any:
    """Plain data with personal data masked in its texts, and long texts cut."""
    if isinstance(value, str):
        text = value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]} [{len(value)} characters]"
        return Mask([text]).hide(text)
    if isinstance(value, dict):
        return {masked(str(key)): masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [masked(inner) for inner in value]
    return value if isinstance(value, int | float | bool | None) else masked(str(value))


def _mask_span(span: Any) -> None:
    """Called by MLflow with every span before it is written."""
    for name, value in list(span.attributes.items()):
        if name not in _MLFLOWS_OWN:
            span.set_attribute(name, masked(value))
    for put, value in ((span.set_inputs, span.inputs), (span.set_outputs, span.outputs)):
        if value is not None:
            put(masked(value))


_MLFLOWS_OWN = frozenset(("mlflow.traceRequestId", "mlflow.spanType", "mlflow.spanInputs", "mlflow.spanOutputs",
                          "mlflow.spanFunctionName", "mlflow.chat.tokenUsage", "mlflow.experimentId"))  # fmt: skip


def _begin(name: str, tags: dict[str, str]) -> tuple[contextlib.ExitStack, Any]:
    import mlflow

    stack = contextlib.ExitStack()
    span = stack.enter_context(mlflow.start_span(name=name, span_type="CHAIN"))
    mlflow.update_current_trace(tags=tags)
    return stack, span


def _end(begun: tuple[contextlib.ExitStack, Any], trace: Trace, error: BaseException | None) -> None:
    import mlflow

    stack, span = begun
    with stack:
        tags = {key: str(value) for key, value in trace.tags.items()} | {"cost_usd": trace.cost_usd}
        if error is not None:
            tags["error"] = type(error).__name__
            span.set_status("ERROR")
        mlflow.update_current_trace(tags=tags)


def _guarded(work: Any) -> Any:
    try:
        return work()
    except Exception as exc:
        if time.monotonic() - _guarded.told_at > 60:
            _guarded.told_at = time.monotonic()
            _log.warning("a trace was not written: %s: %s", type(exc).__name__, exc, exc_info=exc)
        return None


_guarded.told_at = float("-inf")


def _is_tracked(settings: Settings) -> bool:
    if os.environ.get("GROWTHBENCH_TRACKING_URL"):
        return True
    url = settings.tracking_url
    return url.startswith("sqlite:///") and os.path.exists(url.removeprefix("sqlite:///"))
