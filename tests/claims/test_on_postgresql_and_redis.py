"""The Door's own tests once more, on PostgreSQL and Redis instead of SQLite alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests/serving", "tests/predictions", "tests/operations", "tests/cli", "tests/runs")


@pytest.mark.proof("postgresql-redis")
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_reads_its_settings_is_green_on_postgresql_and_redis(folder, figure, postgres_server, redis_server):
    environment = os.environ | {"GROWTHBENCH_TEST_ON": "postgresql+redis"}
    command = [sys.executable, "-m", "pytest", "-m", "not proof", "-p", "no:cacheprovider", folder]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-6000:]
    passed = done.stdout.splitlines()[-1].split(" passed")[0].split()[-1]
    figure(f"{folder} passed", int(passed), at_least=1, unit="tests")
