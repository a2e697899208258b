import json
import logging
import subprocess
import sys
import threading

import pytest

from growthbench.serving.logs import JsonLines, SharedFile, masked, set_up_logs


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("mail of ann.lee+x@mail.example.co.uk bounced", "mail of <email> bounced"),
        ("call +49 (0) 30 123-4567 now", "call <phone> now"),
        ("call +14155550123", "call <phone>"),
        ("call 030 1234 5678 or (415) 555-0123 or 415-555-0123", "call <phone> or <phone> or <phone>"),
        ("key gbs_k1a2_" + "x" * 43, "key gbs_k1a2_***"),
        ("key gbw_0af3_Ab-_" + "9" * 39 + ".", "key gbw_0af3_***."),
        ("secret whsec_plJ3nmyCDGBKInavdOK15jsl", "secret whsec_***"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_def", "jwt <token>"),
        ("Authorization: Bearer abcdef123456", "Authorization: *** ***"),
        ("a Basic Z2J3X2s6 b", "a Basic *** b"),
        ("postgresql://gb:s3cret@db/gb is away", "postgresql://gb:***@db/gb is away"),
        ('{"password": "hun ter2", "n": 1}', '{"password": ***, "n": 1}'),
        ("token=abc&x=1", "token=***&x=1"),
        ("api_key: abc", "api_key: ***"),
    ],
)
def test_personal_data_and_secrets_are_masked(text, safe):
    assert masked(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "POST /api/v1/scores/churn took 12.3 ms, status 200",
        "2026-11-21T10:15:00.123456Z seq 1767225600000000",
        "pred_0198f3c1a2b3c4d5e6f70811 of churn@3f9a2c41d07b",
        "127.0.0.1:3000 answered in 0.003 s, 12 of 1000 rows",
        "exit code 3, port 5432, 10-20-30, 1.2.3",
    ],
)
def test_numbers_ids_and_times_stay_readable(text):
    assert masked(text) == text


def record(message, *args, **more):
    made = logging.LogRecord("growthbench.serving", logging.ERROR, __file__, 1, message, args, more.pop("exc", None))
    vars(made).update(more)
    return json.loads(JsonLines().format(made))


def test_a_record_is_one_line_of_json_with_its_request_id():
    told = record("request %s: %s failed", "req_0123456789abcdef01234567", "ann@example.org")
    assert told["message"] == "request req_0123456789abcdef01234567: <email> failed"
    assert told["request_id"] == "req_0123456789abcdef01234567"
    assert (told["level"], told["logger"]) == ("error", "growthbench.serving")
    assert told["time"].endswith("Z")


def test_what_is_given_beside_and_stack_traces_are_masked_too():
    try:
        raise ValueError("for ann@example.org")
    except ValueError:
        told = record("it\nfailed", exc=sys.exc_info(), tenant="local", n=3, who="bob@example.org")
    assert told["error"] == "ValueError"
    assert "ann@example.org" not in told["stack"]
    assert "<email>" in told["stack"]
    assert (told["tenant"], told["n"], told["who"]) == ("local", 3, "<email>")


def test_a_file_is_rotated_by_size_and_the_oldest_dropped(tmp_path):
    handler = SharedFile(tmp_path / "logs" / "gb.log", most_bytes=200, most_files=2)
    for i in range(40):
        handler.emit(logging.makeLogRecord({"msg": f"line {i:02d} {'x' * 40}"}))
    handler.close()
    kept = sorted(p.name for p in (tmp_path / "logs").iterdir() if not p.name.endswith(".lock"))
    assert kept == ["gb.log", "gb.log.1", "gb.log.2"]
    lines = [
        line for n in ("gb.log.2", "gb.log.1", "gb.log") for line in (tmp_path / "logs" / n).read_text().split("\n")
    ]
    assert [x[:7] for x in lines if x] == [f"line {i:02d}" for i in range(40)][-len([x for x in lines if x]) :]
    assert all(p.stat().st_size <= 200 for p in (tmp_path / "logs").iterdir())


def test_workers_share_a_file_without_losing_or_mixing_lines(tmp_path):
    code = f"""
import logging, sys
from growthbench.serving.logs import SharedFile
from pathlib import Path
handler = SharedFile(Path({str(tmp_path / "gb.log")!r}), most_bytes=20_000, most_files=50)
for i in range(1500):
    handler.emit(logging.makeLogRecord({{"msg": sys.argv[1] + f" {{i}} " + "y" * 60}}))
"""
    workers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("a", "b", "c")]
    assert [w.wait(60) for w in workers] == [0, 0, 0]
    lines = [x for p in tmp_path.iterdir() if not p.name.endswith("lock") for x in p.read_text().splitlines()]
    assert len(lines) == 4500
    assert {tuple(x.split()[:2]) for x in lines} == {(n, str(i)) for n in "abc" for i in range(1500)}


def test_threads_of_a_worker_share_a_file(tmp_path):
    handler = SharedFile(tmp_path / "gb.log", most_bytes=5_000, most_files=100)
    threads = [
        threading.Thread(
            target=lambda n=n: [handler.handle(logging.makeLogRecord({"msg": f"{n} {i}"})) for i in range(300)]
        )
        for n in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    handler.close()
    lines = [x for p in tmp_path.iterdir() if not p.name.endswith("lock") for x in p.read_text().splitlines()]
    assert len(set(lines)) == 1200


def test_a_process_logs_json_to_standard_error_and_to_its_file(tmp_path):
    code = """
import logging
from growthbench.serving.logs import set_up_logs
set_up_logs()
set_up_logs()
logging.getLogger("growthbench.x").info("hello ann@example.org")
logging.getLogger("else").info("not this")
logging.getLogger("else").warning("but this")
"""
    env = {"GROWTHBENCH_LOG_FILE": str(tmp_path / "gb.log"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["message"] for line in lines] == ["hello <email>", "but this"]
    assert (tmp_path / "gb.log").read_text() == done.stderr
    text = subprocess.run(
        [sys.executable, "-c", code], env={"GROWTHBENCH_LOG_FORMAT": "text", "PATH": ""}, capture_output=True, text=True
    )
    assert "INFO growthbench.x hello <email>" in text.stderr


def test_handlers_of_others_stay(caplog):
    before = logging.getLogger().handlers[:]
    set_up_logs()
    try:
        assert caplog.handler in logging.getLogger().handlers
        logging.getLogger("growthbench.x").warning("seen by both")
        assert "seen by both" in caplog.text
    finally:
        for handler in logging.getLogger().handlers[:]:
            if handler not in before:
                logging.getLogger().removeHandler(handler)
        logging.getLogger("growthbench").setLevel(logging.NOTSET)
