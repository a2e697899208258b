"""The house as the architecture says it: style, floors, no machine's paths, no registry's hosts in what we wrote."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
NAMED = re.compile(r"(growthbench(?:\.\w+)+)(?::\w+)?")


def run(*command):
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)


def test_ruff_has_nothing_to_say():
    found = run("ruff", "check", ".")
    assert found.returncode == 0, found.stdout
    found = run("ruff", "format", "--check", ".")
    assert found.returncode == 0, found.stdout


def test_floors_hold():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("needs a git checkout: what is tracked is read from it")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_data_is_tracked_except_samples():
    data = [p for p in tracked() if p.suffix in (".parquet", ".db", ".pkl", ".gz", ".ubj", ".npz")]
    assert data == []
    samples = [p for p in tracked() if (ROOT / "data" / "samples") in p.parents]
    assert sum(p.stat().st_size for p in samples) <= 1_000_000


def test_notebooks_are_tracked_without_outputs():
    import json

    for path in (p for p in tracked() if p.suffix == ".ipynb"):
        cells = json.loads(path.read_text())["cells"]
        assert not [c for c in cells if c.get("outputs") or c.get("execution_count")], path


def test_nothing_we_wrote_names_a_registry_or_a_machine():
    words = re.compile(r"pythonhosted|pypi\.org|registry\.npmjs|deb\.debian|/" + r"work/(main|shared)|/" + r"root/")
    for path in tracked():
        if path.name == "uv.lock" or path.suffix in (".png", ".ico") or path == Path(__file__):
            continue  # the lock file is written by uv, with the address of every package
        assert not words.search(path.read_text(encoding="utf-8", errors="replace")), path


def imported(path):
    """Modules of ours that a file names in imports (also inside functions) or as ``growthbench.x:Y`` texts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.Constant) and (match := NAMED.fullmatch(str(node.value))):
            yield match[1]


def module_file(name, beside):
    for base in (SOURCE, beside):
        path = base / Path(*name.split("."))
        for found in (path.with_suffix(".py"), path / "__init__.py"):
            if found.is_file():
                return found
    return None


def packages_of(script):
    todo, seen = [script], set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += [f for name in imported(path) if (f := module_file(name, script.parent))]
    ours = SOURCE / "growthbench"
    return {p.relative_to(ours).parts[0] for p in seen if ours in p.parents} - {"__init__.py"}


def stages():
    told = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return {name: stage.get("do", stage) for name, stage in told.items()}


@pytest.mark.parametrize("name", stages())
def test_a_stage_declares_the_packages_that_its_script_imports(name):
    stage = stages()[name]
    script = next(d for d in stage["deps"] if d.startswith("pipelines/") and d != "pipelines/arguments.py")
    assert f"python {script} " in stage["cmd"]
    declared = {d.removeprefix("src/growthbench/") for d in stage["deps"] if d.startswith("src/")}
    assert declared == packages_of(ROOT / script)
