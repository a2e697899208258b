import json
import re
import subprocess
import sys

import pytest

from growthbench.base.settings import Settings
from growthbench.runs.tracing import LONGEST_TEXT, Traces, masked

SCRIPT = """
import json, sys
from pathlib import Path
import dspy
from growthbench.base.settings import Settings
from growthbench.language import offline, speaking
from growthbench.language.spoken import speaking_as
from growthbench.runs.tracing import Traces
from growthbench.store.engine import open_store

class TellBack(dspy.Signature):
    "Say what was said."
    said: str = dspy.InputField()
    told: str = dspy.OutputField()

@offline.writer(TellBack)
def tell_back(inputs):
    return {"told": "You said: " + inputs["said"]}

settings, store = Settings.read(), None
traces = Traces(settings, "on")
assert traces.start()
with open_store(settings.database_url) as store:
    for tenant, said in (("a", "Write to ann@example.com, please."), ("b", "Nothing of tenant a.")):
        with traces.request("tell", store, tenant, f"req_{tenant}") as trace:
            with speaking(None, store, tenant=tenant, run=trace.run):
                told = speaking_as(dspy.Predict(TellBack), "tell_back")(said=said).told
        assert said in told, told
    try:
        with traces.request("fail", store, "c", "req_c"):
            raise ValueError("no")
    except ValueError:
        pass
traces.flush()
import mlflow
found = {}
for t in mlflow.MlflowClient(settings.tracking_url).search_traces(locations=[traces._experiment]):
    spans = [
        {"name": s.name, "inputs": s.inputs, "outputs": s.outputs, "attributes": s.attributes} for s in t.data.spans
    ]
    found[t.info.tags["request_id"]] = {"tags": t.info.tags, "spans": spans, "state": str(t.info.state)}
forgotten = traces.forget(10**15)
traces.close()
print(json.dumps({"found": found, "forgotten": forgotten}, default=str))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a process has traced of three requests: two of DSPy programs, one that failed."""
    home = tmp_path_factory.mktemp("traces")
    script = home / "script.py"
    script.write_text(SCRIPT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROWTHBENCH_HOME", str(home / "home"))
        patch.delenv("OTEL_SDK_DISABLED", raising=False)
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_trace_is_of_one_tenants_request_with_its_version_and_cost(told):
    assert set(told["found"]) == {"req_a", "req_b", "req_c"}
    for tenant in "ab":
        tags = told["found"][f"req_{tenant}"]["tags"]
        assert (tags["tenant"], tags["cost_usd"]) == (tenant, "0.00")
        assert re.fullmatch(r"tell_back@builtin-[0-9a-f]{8}", tags["prompt_version"])
    b = json.dumps(told["found"]["req_b"])
    assert "Nothing of tenant a" in b
    assert "please" not in b
    assert "tenant a" not in json.dumps(told["found"]["req_a"])


def test_the_steps_of_a_program_are_in_it(told):
    names = [span["name"] for span in told["found"]["req_a"]["spans"]]
    assert names[0] == "tell"
    assert any("Predict" in name for name in names)
    assert any("LM" in name for name in names), names


def test_personal_data_is_masked_in_it(told):
    whole = json.dumps(told["found"])
    assert "ann@example" not in whole
    assert "[EMAIL_1_" in whole


def test_what_failed_says_so(told):
    assert told["found"]["req_c"]["tags"]["error"] == "ValueError"
    assert told["found"]["req_c"]["tags"]["prompt_version"] == "none"
    assert "ERROR" in told["found"]["req_c"]["state"]


def test_old_traces_are_deleted(told):
    assert told["forgotten"] == 3


def test_a_tracking_database_that_is_away_fails_no_request(store, tmp_path, caplog):
    settings = Settings(tmp_path, "sqlite://", "sqlite:////proc/nowhere/mlflow.db", tmp_path)
    traces = Traces(settings, "on")
    assert not traces.start()
    assert "without them" in caplog.text
    with traces.request("x", store, "a", "req_1") as trace:
        pass
    assert (trace.cost, trace.cost_usd) == (0, "0.00")


def test_traces_are_written_where_something_tracks(tmp_path, monkeypatch):
    settings = Settings(tmp_path, "sqlite://", f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    assert not Traces(settings).wanted
    assert Traces(settings, "on").wanted
    (tmp_path / "mlflow.db").touch()
    assert Traces(settings).wanted
    assert not Traces(settings, "off").wanted
    (tmp_path / "mlflow.db").unlink()
    monkeypatch.setenv("GROWTHBENCH_TRACKING_URL", "http://mlflow:5000")
    assert Traces(settings).wanted


def test_plain_data_is_masked_in_all_its_depth_and_cut():
    found = masked(
        {"to": ["ann@example.com"], "n": 3, "x": {"bob@example.com": None}, "long": "y" * (LONGEST_TEXT + 5)}
    )
    assert "example.com" not in json.dumps(found)
    assert found["n"] == 3
    assert len(found["long"]) < LONGEST_TEXT + 40
