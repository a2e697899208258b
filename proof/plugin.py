"""Pytest's side of the proof: which test belongs to which line, and what it measured."""

import json
from pathlib import Path

import pytest


def pytest_addoption(parser):
    parser.addoption("--proof-out", type=Path, help="write lines or results here")


def line_of(item) -> str:
    """The line a test proves: the marker's argument, else the name of its file."""
    marker = item.get_closest_marker("proof")
    return marker.args[0] if marker.args else item.path.stem.removeprefix("test_").replace("_", "-")


def pytest_configure(config):
    config.pluginmanager.register(_Collector(config.getoption("--proof-out")))


class _Collector:
    def __init__(self, out: Path | None):
        self.out, self.lines, self.results = out, {}, []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        for item in items:
            if item.get_closest_marker("proof"):
                self.lines.setdefault(line_of(item), []).append(item.nodeid)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            figures = [value for name, value in report.user_properties if name == "figure"]
            reason = str(report.longrepr)[-2000:] if report.outcome != "passed" else None
            told = {"test": report.nodeid, "outcome": report.outcome, "seconds": round(report.duration, 1)}
            self.results.append({**told, "figures": figures, **({"reason": reason} if reason else {})})

    def pytest_sessionfinish(self):
        if self.out:
            self.out.write_text(json.dumps({"lines": self.lines, "results": self.results}))
