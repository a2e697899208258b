"""The main job, once, on the embedded default: pipeline, gate, deployments, Door, one call per task."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.base.errors import BadInputError, GateError, GrowthbenchError
from growthbench.base.jsonio import read_json
from growthbench.base.settings import Settings
from growthbench.learning.tasks import TASKS
from growthbench.workbench.demo_words import show_words

if TYPE_CHECKING:
    from growthbench.workbench.service import Service

SAMPLE_TEXT = "what is my credit card limit"


def run_demo(settings: Settings, project: Path, port: int, once: bool) -> None:
    """Do it and say where to look; stays up until interrupted unless ``once``.

    Raises
    ------
    BadInputError
        Not in a checkout of the project.
    GrowthbenchError
        A step failed; the message says which.
    """
    if not (project / "dvc.yaml").is_file():
        raise BadInputError("the demo runs the project's pipeline: call it in the checkout, beside dvc.yaml")
    started = time.perf_counter()
    _say(started, "running the pipeline: data, expectations, features, training, evaluation, drift, report")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # stages call `python`
    if subprocess.call([sys.executable, "-m", "dvc", "repro"], cwd=project, env={**os.environ, "PATH": path}):
        raise GrowthbenchError("the pipeline failed; its last lines are above")
    person = _bring_log(settings, project, started)
    _deploy(settings, project, started)
    _say(started, f"starting the Door on http://127.0.0.1:{port}")
    from growthbench.workbench.service import Service

    with Service(settings, port, settings.home / "door.log") as service:
        _say(started, f"the Door answered after {service.door.start_s:.1f} s")
        for task in TASKS:
            _call(service, task, person)
        show_words(settings, lambda text: _say(started, text))
        _where(settings, project, port)
        _say(started, "done")
        if not once:
            print("The Door stays up; stop it with Ctrl-C.", flush=True)
            service.door.process.wait()


def _bring_log(settings: Settings, project: Path, started: float) -> str:
    """Put the pipeline's log into the store, so that people can be scored by id; returns a person to ask about."""
    import pyarrow.compute as pc

    from growthbench.events.lake import Lake
    from growthbench.events.log import EventLog
    from growthbench.people.directory import Directory
    from growthbench.people.keyed_log import KeyedLog
    from growthbench.store.engine import open_store
    from growthbench.store.keyring import Keyring
    from growthbench.workbench.loading import bring_in, ending_now
    from growthbench.workbench.progress import Bars

    data = ending_now(Lake(project / "data" / "interim" / "log").data())  # the Door scores as of now
    with open_store(settings.database_url) as store, Bars() as bars:
        directory = Directory(store, Keyring.open(settings.home), settings.tenant)
        log = KeyedLog(EventLog(store, settings.tenant), directory)
        added = bring_in(data, log, bars)
        _say(started, f"the store holds {added.horizon:,} events ({added.new:,} new)")
    # Somebody with a life behind them: the newest subscriber, else the person of the newest event.
    started = pc.filter(data.events["person"], pc.equal(data.events["name"], "subscription_started"))
    return (started if len(started) else data.events["person"])[-1].as_py()


def _deploy(settings: Settings, project: Path, started: float) -> None:
    from growthbench.runs.gate import GateParams
    from growthbench.runs.registry import promote
    from growthbench.store.engine import open_store

    limits = GateParams.load(project / "params.yaml")
    with open_store(settings.database_url) as store:
        for task in TASKS:
            run_id = read_json(project / "reports" / task / "run.json")["run_id"]
            try:
                promote(settings, store, run_id, limits)
                _say(started, f"{task}: run {run_id[:8]} is champion")
            except GateError as exc:
                _say(started, f"{task}: the gate refused run {run_id[:8]}: {exc}")


def _call(service: "Service", task: str, person: str) -> None:
    path = f"/api/v1/scores/{task}?reasons=3"
    body = {"row": {"text": SAMPLE_TEXT}} if task == "chat_intent" else {"user_id": person}
    print(
        f"\n$ curl -s '{service.url}{path}' -H 'authorization: Bearer {service.secret_key}' "
        f"-H 'content-type: application/json' -d '{json.dumps(body)}'"
    )
    answer = service.post(path, body)
    if "score" not in answer:
        raise GrowthbenchError(f"{task}: the Door answered {json.dumps(answer)[:500]}")
    print(json.dumps(answer, indent=2, ensure_ascii=False), flush=True)


def _where(settings: Settings, project: Path, port: int) -> None:
    print(
        f"\nWhere to look\n"
        f"  report       {project / 'reports' / 'index.html'}\n"
        f"  expectations {project / 'reports' / 'expectations' / 'log' / 'expectations.html'}\n"
        f"  drift        {project / 'reports' / 'drift' / 'index.html'}\n"
        f"  runs         make ui   (MLflow over {settings.tracking_url})\n"
        f"  Door         http://127.0.0.1:{port}/api/v1/models/churn\n"
        f"  notebooks    make lab\n"
        f"chat_intent learned from the sample of CLINC150 in data/samples (40 intents, 50 lines each), not from the "
        f"whole set.\n",
        flush=True,
    )


def _say(started: float, text: str) -> None:
    print(f"[{time.perf_counter() - started:5.0f} s] {text}", flush=True)
