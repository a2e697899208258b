"""SIGKILL the importer at arbitrary moments, run it again, and compare with one undisturbed run."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from growthbench.events.log import EventLog
from growthbench.store.engine import open_store

PROGRAM = """
import sys
from growthbench.events.importing import import_file
from growthbench.events.log import EventLog
from growthbench.events.mapping import parse_mapping
from growthbench.store.engine import open_store

path, url, place, chunk = sys.argv[1:]
mapping = parse_mapping(
    "events: {person: user, name: event, timestamp: {column: time, format: s}}\\nproperties: {plan: plan}"
)
with open_store(url) as store:
    import_file(path, mapping, EventLog(store), place, chunk_rows=int(chunk), progress=lambda n: print(n, flush=True))
"""


def write_rows(path, rows):
    draw = random.Random(7)
    with path.open("w") as file:
        file.write("user,event,time,plan\n")
        for i in range(rows):
            time_s = "never" if i % 97 == 5 else str(1_700_000_000 + i // 3)
            file.write(f"u{draw.randrange(500)},page_view,{time_s},{draw.choice(['pro', 'free', ''])}\n")


def start(path, folder, chunk):
    arguments = [str(path), f"sqlite:///{folder / 'log.db'}", str(folder / "refused.jsonl"), str(chunk)]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, env=dict(os.environ))


def result(folder):
    with open_store(f"sqlite:///{folder / 'log.db'}") as store:
        log = EventLog(store)
        return log.read(limit=10_000_000).digest(), log.horizon(), (folder / "refused.jsonl").read_bytes()


def kill_and_repeat(tmp_path, rows, chunk, kills, seed):
    path = tmp_path / "events.csv"
    write_rows(path, rows)
    clean, broken = tmp_path / "clean", tmp_path / "broken"
    clean.mkdir()
    broken.mkdir()
    process = start(path, clean, chunk)
    assert process.communicate() is not None
    assert process.returncode == 0
    draw, died = random.Random(seed), 0
    for _ in range(kills):
        process = start(path, broken, chunk)
        for _ in range(draw.randrange(rows // chunk // 2)):  # some pieces landed, the next under way
            process.stdout.readline()
        time.sleep(draw.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        died += process.wait() == -signal.SIGKILL
        assert not (broken / "refused.jsonl").exists()
    assert died == kills
    last = start(path, broken, chunk)
    last.communicate()
    assert last.returncode == 0
    assert result(broken) == result(clean)
    assert sorted(p.name for p in broken.iterdir() if "log.db" not in p.name) == ["refused.jsonl"]


def test_a_killed_importer_run_again_leaves_log_and_quarantine_of_one_clean_run(tmp_path):
    kill_and_repeat(tmp_path, rows=6_000, chunk=200, kills=3, seed=1)


@pytest.mark.proof("importer-kills")
@pytest.mark.parametrize("seed", range(5))
def test_many_kills(tmp_path, seed):
    kill_and_repeat(tmp_path, rows=200_000, chunk=1_000, kills=20, seed=seed)
