"""What went into two runs, and only where it differs."""

from collections.abc import Mapping
from typing import Any

from growthbench.runs.reading import RunView


def params_that_differ(a: RunView, b: RunView) -> list[dict[str, Any]]:
    """``name a b`` of every parameter with two values; None where a run has none of that name."""
    return [{"name": name, "a": x, "b": y} for name, x, y in _pairs(a.params, b.params)]


def data_that_differs(a: RunView, b: RunView) -> dict[str, Any]:
    """Source and hash of the data, empty if the hash is the same."""
    if a.tags["data_hash"] == b.tags["data_hash"]:
        return {}
    found: dict[str, Any] = {"hash": [a.tags["data_hash"], b.tags["data_hash"]]}
    if a.data != b.data:
        found["source"] = [a.data, b.data]
    if a.tags["dvc_lock"] != b.tags["dvc_lock"]:
        found["dvc_lock"] = [a.tags["dvc_lock"], b.tags["dvc_lock"]]
    return found


def features_that_differ(a: RunView, b: RunView) -> dict[str, Any]:
    """Hash of the feature declarations, columns added, removed or told otherwise; empty if all are the same."""
    columns = [{column["name"]: column for column in run.features} for run in (a, b)]
    changed = [name for name, x, y in _pairs(*columns) if x is not None and y is not None]
    found: dict[str, Any] = {
        "only_a": [name for name in columns[0] if name not in columns[1]],
        "only_b": [name for name in columns[1] if name not in columns[0]],
        "changed": changed,
    }
    found = {key: names for key, names in found.items() if names}
    hashes = [run.tags["feature_hash"] for run in (a, b)]
    return ({"hash": hashes} if hashes[0] != hashes[1] else {}) | found


def code_that_differs(a: RunView, b: RunView) -> dict[str, Any]:
    """Commit, uncommitted changes and the source files of the package that are not the same; empty if none.

    Two commits with the same sources do not differ: what was run decides, not what was written beside it.
    """
    if a.tags["code"] == b.tags["code"]:
        return {}
    found: dict[str, Any] = {"files": [name for name, _, _ in _pairs(a.sources, b.sources)]}
    for key in ("commit", "dirty"):
        if a.tags[key] != b.tags[key]:
            found[key] = [a.tags[key], b.tags[key]]
    return found


def environment_that_differs(a: RunView, b: RunView) -> dict[str, Any]:
    """Python, lock file and installed packages that are not the same; empty if none."""
    found: dict[str, Any] = {
        key: [a.tags[key], b.tags[key]] for key in ("python", "uv_lock") if a.tags[key] != b.tags[key]
    }
    packages = [{"name": name, "a": x, "b": y} for name, x, y in _pairs(a.packages, b.packages)]
    return found | ({"packages": packages} if packages else {})


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Names whose values differ, with both values; 1 and 1.0 are the same."""
    return [(name, a.get(name), b.get(name)) for name in sorted({*a, *b}) if a.get(name) != b.get(name)]
