"""Servers and hosts that die, end or fork: nothing is lost, nothing comes twice, the order stays."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import defaultdict
from pathlib import Path

import pytest
from growthbench_sdk import MarketingClient
from sdk_servers import ok, slow, status

SDK = Path(__file__).parents[2] / "sdk" / "python" / "src"
SERVER = Path(__file__).with_name("sdk_servers.py")
QUICK = {"flush_interval_s": 0.02, "retry_first_s": 0.02, "retry_longest_s": 0.2, "timeout_s": 2.0}
HOST = """
    import sys, time
    sys.path.insert(0, {sdk!r})
    from growthbench_sdk import MarketingClient
    sdk = MarketingClient("k", {url!r}, flush_interval_s=0.02, retry_first_s=0.02, retry_longest_s=0.1, **{settings!r})
"""


def host(code, url, **settings):
    """A host application in a process of its own."""
    text = textwrap.dedent(HOST).format(sdk=str(SDK), url=url, settings=settings) + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-W", "error", "-c", text], stdout=subprocess.PIPE, text=True)


def ended(process, within_s=30):
    """Its exit code."""
    with process.stdout:
        return process.wait(within_s)


def start_server(port, file):
    server = subprocess.Popen([sys.executable, str(SERVER), str(port), str(file)], stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "listening\n"
    server.stdout.close()
    return server


def kept(file):
    """Lines of what the servers took in, the first of each message id."""
    first = dict.fromkeys(line for line in file.read_text().splitlines() if len(line.split()) == 3)
    return [line.split() for line in first]


def test_a_server_killed_again_and_again_gets_everything_once_and_in_order(free_port, tmp_path):
    file, chance = tmp_path / "kept", random.Random(3)
    server = start_server(free_port, file)
    sdk = MarketingClient("k", f"http://127.0.0.1:{free_port}", **QUICK)
    sent = defaultdict(list)
    for kill in range(6):
        for i in range(400):
            user = f"u{chance.randrange(20)}"
            sent[user].append(f"e{kill}-{i}")
            assert sdk.track(user, sent[user][-1])
        time.sleep(chance.uniform(0, 0.15))
        server.kill()
        server.wait()
        time.sleep(chance.uniform(0, 0.2))
        server = start_server(free_port, file)
    assert sdk.flush(20)
    sdk.close()
    server.kill()
    server.wait()
    came = defaultdict(list)
    for _, user, event in kept(file):
        came[user].append(event)
    assert came == sent
    assert sdk.counts.delivered == 2400


def test_the_end_of_the_process_delivers_what_waits(receiver):
    assert ended(host("for i in range(250): sdk.track('u', f'e{i}')", receiver.url)) == 0
    assert receiver.names() == [f"e{i}" for i in range(250)]


def test_the_end_of_the_process_is_not_held_up_by_a_dead_server(free_port):
    begun = time.monotonic()
    assert ended(host("sdk.track('u', 'e')", f"http://127.0.0.1:{free_port}", exit_timeout_s=1.0)) == 0
    assert time.monotonic() - begun < 4  # the start of Python included


def test_an_uncaught_exception_of_the_host_still_delivers(receiver):
    code = "sdk.track('u', 'last words'); sys.stderr.close(); raise SystemExit(3)"
    assert ended(host(code, receiver.url)) == 3
    assert receiver.names() == ["last words"]


FORK = """
    import os
    sdk.track("parent", "before")
    {before}
    pids = []
    for n in range(3):
        pid = os.fork()
        if pid == 0:
            for i in range(50):
                sdk.track(f"child{{n}}", f"e{{i}}")
            assert sdk.flush(10)
            os._exit(0)
        pids.append(pid)
    for i in range(50):
        sdk.track("parent", f"e{{i}}")
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
    assert sdk.flush(10)
    assert sdk.counts.accepted == 51
"""


@pytest.mark.parametrize("disk", [False, True])
@pytest.mark.parametrize("before", ["pass", "assert sdk.flush(10)", "time.sleep(0.02)"])
def test_every_process_of_a_fork_sends_its_own_messages(before, disk, receiver, tmp_path):
    settings = {"disk_queue": str(tmp_path / "queue.db")} if disk else {}
    assert ended(host(FORK.format(before=before), receiver.url, **settings)) == 0
    came = defaultdict(list)
    for message in receiver.messages:
        came[message["userId"]].append(message["event"])
    expected = {f"child{n}": [f"e{i}" for i in range(50)] for n in range(3)}
    assert came == expected | {"parent": ["before", *(f"e{i}" for i in range(50))]}
    assert receiver.duplicates == 0


def test_a_fork_while_the_disk_is_busy_leaves_the_child_a_queue_in_memory(receiver, tmp_path):
    code = """
        import os, threading
        sdk.track("parent", "e")
        assert sdk.flush(10)
        sdk._sender.queue._disk.acquire()  # as while the disk is slow
        begun = time.monotonic()
        pid = os.fork()
        if pid == 0:
            sdk.track("child", "e")
            os._exit(0 if sdk.flush(10) and sdk._sender.queue.broken else 1)
        assert time.monotonic() - begun < 2
        sdk._sender.queue._disk.release()
        sdk.track("parent", "f")
        assert os.waitpid(pid, 0)[1] == 0
        assert sdk.flush(10)
    """
    assert ended(host(code, receiver.url, disk_queue=str(tmp_path / "queue.db"))) == 0
    assert sorted((m["userId"], m["event"]) for m in receiver.messages) == [
        ("child", "e"), ("parent", "e"), ("parent", "f")]  # fmt: skip


def test_nothing_is_imported_in_a_thread(receiver, tmp_path):
    """A fork while a thread imports leaves the child an import that never ends."""
    code = """
        before = set(sys.modules)
        sdk.track("u", "e", {"text": "x" * 3000})
        assert sdk.flush(10)
        sdk.scores("u", "churn")
        assert set(sys.modules) - before <= {"multiprocessing.util"}, set(sys.modules) - before
    """
    assert ended(host(code, receiver.url, disk_queue=str(tmp_path / "queue.db"))) == 0


def test_workers_of_multiprocessing_deliver_at_their_end(receiver):
    code = """
        import multiprocessing
        def work(n):
            sdk.track(f"w{n}", "done")
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=work, args=(n,)) for n in range(3)]
        [w.start() for w in workers]
        [w.join() for w in workers]
        assert [w.exitcode for w in workers] == [0, 0, 0]
    """
    assert ended(host(code, receiver.url)) == 0
    assert sorted(m["userId"] for m in receiver.messages) == ["w0", "w1", "w2"]


def test_what_waits_on_disk_survives_the_death_of_the_host(receiver, tmp_path):
    """Killed while the server is away; the next run sends it all, in order, before its own."""
    disk = str(tmp_path / "deep" / "queue.db")
    receiver.always = status(503)
    code = "for i in range(300): sdk.track('u', f'e{i}')\ntime.sleep(0.6); print('ready', flush=True); time.sleep(60)"
    first = host(code, receiver.url, disk_queue=disk)
    assert first.stdout.readline() == "ready\n"
    first.kill()
    first.wait()
    first.stdout.close()
    assert receiver.messages == []
    receiver.always = ok
    second = MarketingClient("k", receiver.url, disk_queue=disk, **QUICK)
    assert receiver.wait_for(300) == 300
    second.track("u", "own")
    assert second.flush()
    assert receiver.names() == [f"e{i}" for i in range(300)] + ["own"]
    assert (second.counts.accepted, second.counts.delivered, second.counts.waiting) == (301, 301, 0)
    second.close()


def test_a_host_killed_in_the_middle_of_delivery_sends_nothing_twice_and_loses_nothing(receiver, tmp_path):
    disk, total = str(tmp_path / "queue.db"), 0
    receiver.always = slow(0.02)
    code = """
        for i in range(400): sdk.track("u", f"{n}-{i}")
        time.sleep({wait}); print("ready", flush=True); time.sleep(60)
    """
    for run, wait in enumerate((0.3, 0.33, 0.37)):
        running = host(code.replace("{n}", str(run)).replace("{wait}", str(wait)), receiver.url, disk_queue=disk)
        assert running.stdout.readline() == "ready\n"
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        running.stdout.close()
        total += 400
    with MarketingClient("k", receiver.url, disk_queue=disk, **QUICK) as last:
        assert receiver.wait_for(total) == total
        assert last.flush()
    assert receiver.names() == [f"{run}-{i}" for run in range(3) for i in range(400)]


def test_what_is_left_at_close_stays_on_disk(receiver, tmp_path):
    receiver.always = status(503)
    first = MarketingClient("k", receiver.url, disk_queue=tmp_path / "q.db", **QUICK)
    for i in range(5):
        first.track("u", f"e{i}")
    assert first.close(0.2) is False
    assert (first.counts.waiting, first.counts.dropped) == (5, {})
    receiver.always = ok
    with MarketingClient("k", receiver.url, disk_queue=tmp_path / "q.db", **QUICK):
        assert receiver.wait_for(5) == 5
    assert receiver.names() == [f"e{i}" for i in range(5)]
    assert sqlite3.connect(tmp_path / "q.db").execute("SELECT count(*) FROM messages").fetchone() == (0,)


def test_two_living_clients_share_a_file_without_taking_each_others(receiver, tmp_path):
    clients = [MarketingClient("k", receiver.url, disk_queue=tmp_path / "q.db", **QUICK) for _ in range(2)]
    for i in range(200):
        for n, sdk in enumerate(clients):
            sdk.track(f"c{n}", f"e{i}")
    assert all(sdk.flush() for sdk in clients)
    assert [sdk.counts.delivered for sdk in clients] == [200, 200]
    assert receiver.duplicates == 0
    for sdk in clients:
        sdk.close()


@pytest.mark.parametrize("broken", ["a file that is none", "a folder", "no place"])
def test_a_broken_disk_leaves_a_queue_in_memory_that_says_so(broken, receiver, tmp_path):
    place = tmp_path / "q.db"
    if broken == "a file that is none":
        place.write_bytes(b"not a database, " * 1000)
    elif broken == "a folder":
        place.mkdir()
    else:
        (tmp_path / "file").write_text("")
        place = tmp_path / "file" / "q.db"
    problems = []
    sdk = MarketingClient("k", receiver.url, disk_queue=place, on_error=problems.append, **QUICK)
    for i in range(150):
        assert sdk.track("u", f"e{i}")
    assert sdk.flush()
    assert sdk.close()
    assert receiver.names() == [f"e{i}" for i in range(150)]
    assert {p.kind for p in problems} == {"disk"}


def test_a_disk_that_breaks_while_running_is_survived(receiver, tmp_path):
    problems = []
    sdk = MarketingClient("k", receiver.url, disk_queue=tmp_path / "q.db", on_error=problems.append, **QUICK)
    sdk.track("u", "before")
    assert sdk.flush()
    with sqlite3.connect(tmp_path / "q.db") as other:
        other.execute("DROP TABLE messages")
    other.close()
    for i in range(10):
        sdk.track("u", f"e{i}")
    assert sdk.flush()
    sdk.close()
    assert receiver.names() == ["before", *(f"e{i}" for i in range(10))]
    assert {p.kind for p in problems} == {"disk"}
