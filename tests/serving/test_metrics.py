import subprocess
import sys
import timeit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from growthbench.serving.metrics import Metrics, process_memory, timed


def samples(text):
    """Value by name and labels, as Prometheus' own parser reads the text."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def metrics(tmp_path):
    made = Metrics(tmp_path)
    yield made
    made.close()


def test_requests_are_counted_by_status_and_timed_by_route(metrics):
    for status, seconds in ((200, 0.0004), (200, 0.03), (429, 0.0004), (200, 60.0)):
        metrics.request("/v1/track", "POST", status, seconds)
    found = samples(metrics.text())
    route = (("endpoint", "/v1/track"), ("method", "POST"))
    assert found["api_requests_total", *route, ("status", "200")] == 3
    assert found["api_requests_total", *route, ("status", "429")] == 1
    assert found["api_request_duration_seconds_count", *route] == 4
    assert found["api_request_duration_seconds_sum", *route] == pytest.approx(60.0308)
    assert found["api_request_duration_seconds_bucket", ("endpoint", "/v1/track"), ("le", "0.0005"), route[1]] == 2
    assert found["api_request_duration_seconds_bucket", ("endpoint", "/v1/track"), ("le", "10"), route[1]] == 3
    assert found["api_request_duration_seconds_bucket", ("endpoint", "/v1/track"), ("le", "+Inf"), route[1]] == 4


def test_a_value_on_a_bound_belongs_to_its_bucket(metrics):
    metrics.prediction("churn", 0.001)
    found = samples(metrics.text())
    assert found["ml_model_prediction_latency_bucket", ("le", "0.001"), ("task", "churn")] == 1
    assert found["ml_model_prediction_latency_bucket", ("le", "0.0005"), ("task", "churn")] == 0


def test_stages_and_blocks_are_counted_and_families_that_nothing_observes_are_absent(metrics):
    metrics.stage("validation", 98)
    metrics.stage("validation", 2, outcome="quarantined")
    assert "agent_task_duration_seconds" not in metrics.text()
    assert "campaign_performance_metrics" not in metrics.text()
    with timed(metrics, "agent_task_duration_seconds", "lead", "triage"):
        pass
    metrics.gauge("campaign_performance_metrics", 'a "quoted"\n\\one', "roas", value=2.5)
    found = samples(metrics.text())
    assert found["growthbench_ingest_events_total", ("outcome", "ok"), ("stage", "validation")] == 98
    assert found["agent_task_duration_seconds_count", ("role", "lead"), ("task", "triage")] == 1
    assert found["campaign_performance_metrics", ("campaign", 'a "quoted"\n\\one'), ("metric", "roas")] == 2.5


def test_workers_add_up_and_the_dead_keep_their_counters_but_not_their_gauges(metrics, tmp_path):
    code = f"""
from pathlib import Path
from growthbench.serving.metrics import Metrics
m = Metrics(Path({str(tmp_path)!r}))
m.request("/x", "GET", 200, 0.01); m.gauge("growthbench_live_connections", value=5); m.prediction("churn", 0.2)
m.close()
"""
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True)
    metrics.request("/x", "GET", 200, 0.01)
    metrics.gauge("growthbench_live_connections", value=1)
    found = samples(metrics.text())
    assert found["api_requests_total", ("endpoint", "/x"), ("method", "GET"), ("status", "200")] == 3
    assert found["ml_model_prediction_latency_count", ("task", "churn")] == 2
    assert found[("growthbench_live_connections",)] == 1


def test_labels_are_checked_and_bounded(metrics):
    with pytest.raises(ValueError, match="labels"):
        metrics.count("growthbench_ingest_events_total", "validation")
    for i in range(2500):
        metrics.gauge("campaign_performance_metrics", f"c{i}", "roas", value=1)
    assert len(metrics.text().splitlines()) < 2100


def test_the_memory_of_the_process_is_told(metrics):
    metrics.watch(process_memory)
    assert 10e6 < samples(metrics.text())[("growthbench_memory_bytes",)] < 100e9


def test_counting_a_request_costs_about_a_microsecond(metrics, figure):
    seconds = min(timeit.repeat(lambda: metrics.request("/v1/track", "POST", 200, 0.004), number=20_000, repeat=5))
    figure("request_us", seconds / 20_000 * 1e6, at_most=5, unit="µs")  # far off only on a machine that is busy


def test_a_method_that_a_caller_made_up_is_no_label(metrics):
    for method in ("BREW", "WHEN"):
        metrics.request("/x", method, 405, 0.001)
    found = samples(metrics.text())
    assert found["api_requests_total", ("endpoint", "/x"), ("method", "other"), ("status", "405")] == 2
