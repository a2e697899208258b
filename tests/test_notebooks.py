"""Every notebook runs from top to bottom, offline, on a small world. None is left out."""

import os
import socket
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
SMALL, FULL = "300", "5000"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """One home for all notebooks, as one reader would have; each also runs alone in an empty one."""
    return tmp_path_factory.mktemp("notebook-home")


def run(path, home, people, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    for name, value in {
        "GROWTHBENCH_HOME": str(home),
        "GROWTHBENCH_NOTEBOOK_PEOPLE": people,
        "GROWTHBENCH_NOTEBOOK_PORT": str(free_port()),
        "MPLBACKEND": "agg",
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(home)}})
    client.execute()
    return notebook


def test_there_are_notebooks():
    assert [p.name[:2] for p in NOTEBOOKS] == [f"{i:02d}" for i in range(1, len(NOTEBOOKS) + 1)]
    assert len(NOTEBOOKS) >= 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs_from_top_to_bottom(path, home, monkeypatch):
    notebook = run(path, home, SMALL, monkeypatch)
    errors = [o for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert errors == []
    assert "growthbench" in notebook.cells[-1]["outputs"][0]["data"]["text/plain"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_thin(path):
    import nbformat

    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    lengths = sorted(len(c.source.splitlines()) for c in cells)
    assert lengths[len(lengths) // 2] <= 4
    assert os.path.getsize(path) < 50_000


@pytest.mark.proof("notebooks")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs_at_full_size(path, tmp_path, monkeypatch):
    run(path, tmp_path, FULL, monkeypatch)
