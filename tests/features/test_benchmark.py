"""The benchmark asks every engine the same question: hand-written SQL and our declarations give the same sum."""

import pytest

from benchmarks.features import __main__ as benchmark
from benchmarks.features import data
from growthbench.base.jsonio import read_json


@pytest.mark.parametrize(
    "large",
    [pytest.param(False, id="the peer's generator", marks=pytest.mark.proof), pytest.param(True, id="slices of time")],
)
def test_ours_and_hand_written_sql_agree_on_the_peers_features(large, tmp_path, monkeypatch):
    if large:
        monkeypatch.setattr(data, "_LARGE", 0)
        monkeypatch.setattr(data, "_CHUNK", 5_000)
    results = tmp_path / "results" / "features.json"
    args = ["--events", "20000", "--rounds", "1", "--engines", "ours", "duckdb", "--results", str(results)]
    made = benchmark.main([*args, "--data", str(tmp_path), *(["--stream"] if large else [])])
    assert made["rows"] == 600
    assert made["sum"] > 0
    assert set(made["engines"]) == {"ours", "duckdb"}
    assert read_json(results) == {"20000": made}
    assert benchmark.PEER.exists()
