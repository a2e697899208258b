import json

import pytest

from growthbench.cli.app import VERBS, app, main


def run(capsys, *argv):
    code = main([str(a) for a in argv])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def log_file(tmp_path):
    path = tmp_path / "events.csv"
    lines = ["event_id,person,name,timestamp,received_at,amount"]
    lines += [f"e{i},p{i % 3},page_view,{1_000_000 * i},{1_000_000 * i + 5}," for i in range(30)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb, capsys):
    code, out, _ = run(capsys, verb, "--help")
    assert code == 0
    assert "Usage: growthbench" in out


def test_help_lists_exactly_the_verbs(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert all(f"\n  {verb} " in out for verb in VERBS)
    assert app.get_command(None, "nothing") is None


def test_json_is_one_object_on_the_last_line(capsys, log_file):
    assert main(["import", str(log_file), "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["read"], report["landed"], report["refused"]) == (30, 30, 0)
    _, out, _ = run(capsys, "events", "count", "--json")
    assert json.loads(out.splitlines()[-1]) == {"count": 30}
    _, out, _ = run(capsys, "events", "count", "--name", "purchase", "--json")
    assert json.loads(out.splitlines()[-1]) == {"count": 0}


def test_importing_twice_changes_nothing(capsys, log_file):
    run(capsys, "import", log_file)
    code, out, _ = run(capsys, "import", log_file, "--json")
    report = json.loads(out.splitlines()[-1])
    assert (code, report["landed"], report["duplicates"]) == (0, 0, 30)


def test_a_persons_events_and_features(capsys, log_file):
    run(capsys, "import", log_file)
    _, out, _ = run(capsys, "events", "show", "p1", "--json")
    assert [e["name"] for e in json.loads(out.splitlines()[-1])["events"]] == ["page_view"] * 10
    _, out, _ = run(capsys, "features", "--person", "p1", "--json")
    assert json.loads(out.splitlines()[-1])["features"]["page_views_30d"] == 0


def test_features_are_listed_with_unit_and_meaning(capsys):
    code, out, _ = run(capsys, "features", "--json")
    rows = json.loads(out.splitlines()[-1])["features"]
    assert code == 0
    assert len(rows) >= 20
    assert all(r["name"] and r["about"] for r in rows)


def wrong(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


MISTAKES = {
    "unknown verb": (["trian"], "trian"),
    "unknown task": (["train", "chrun"], "did you mean 'churn'?"),
    "unknown dataset": (["train", "churn", "--data", "dataset:telco"], "telco"),
    "unknown world": (["train", "churn", "--data", "world:b2c"], "b2b"),
    "no source": (["train", "churn", "--data", "telco-churn"], "dataset:NAME"),
    "unknown parameter": (["train", "churn", "--set", "sede=1"], "sede"),
    "wrong parameter": (["train", "churn", "--set", "folds=many"], "folds"),
    "no value": (["train", "churn", "--set", "seed"], "NAME=VALUE"),
    "empty store": (["train", "churn", "--data", "store"], "empty"),
    "missing file": (["import", "nowhere.csv"], "nowhere.csv"),
    "no log": (["events", "count"], "import events first"),
    "unknown run": (["review", "nothing", "else"], "nothing"),
    "no champion": (["score", "churn", "ann"], "no champion for churn"),
    "half a request": (["score", "churn", "--all"], "--out"),
    "no prediction": (["explain", "pred_0"], "pred_0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_two(mistake, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GROWTHBENCH_DATABASE_URL", raising=False)  # mistakes in a home that holds nothing yet
    argv, said = MISTAKES[mistake]
    code, out, err = run(capsys, *argv)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert said in err
    assert out == ""


BAD_FILES = {
    "empty": ("a.csv", b"", "empty"),
    "header only": ("a.csv", b"event_id,person,name,timestamp\n", "no rows"),
    "wrong columns": ("a.csv", b"x,y\n1,2\n", "person"),
    "not utf-8": ("a.csv", "event_id,person,name,timestamp\ne,Jos\xe9,view,5\n".encode("latin-1"), "utf-8"),
    "broken parquet": ("a.parquet", b"PAR1 this is no parquet", "arquet"),
    "broken jsonl": ("a.jsonl", b'{"event_id": "e1", \n', "JSON"),
    "unknown kind": ("a.xlsx", b"PK", "xlsx"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_one_line_and_nothing_lands(kind, capsys, tmp_path):
    name, content, said = BAD_FILES[kind]
    code, _, err = run(capsys, "import", wrong(tmp_path, name, content))
    assert code == 2, err
    assert len(err.strip().splitlines()) == 1
    assert said in err
    code, out, _ = run(capsys, "events", "count", "--json")
    assert code == 2 or json.loads(out.splitlines()[-1]) == {"count": 0}


def test_a_quarantine_never_replaces_its_source(capsys, log_file):
    before = log_file.read_bytes()
    code, _, err = run(capsys, "import", log_file, "--quarantine", log_file)
    assert code == 2
    assert "quarantine" in err
    assert log_file.read_bytes() == before


@pytest.mark.parametrize(
    "argv",
    [
        ["events", "export", "/proc/nowhere"],
        ["import", "."],
        ["runs", "--limit", "-5"],
        ["serve", "--port", "99999"],
        ["features", "--person", "nobody"],
        ["score", "churn", "--all", "--out", "x.parquet", "--reasons", "2"],
    ],
)
def test_no_mistake_ends_in_a_traceback(argv, capsys, log_file):
    run(capsys, "import", log_file)
    code, _, err = run(capsys, *argv)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
