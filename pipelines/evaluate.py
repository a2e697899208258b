"""Evaluate one task's model and write the run down: predictions -> metrics, plots, card, MLflow run."""

import shutil
from dataclasses import replace
from pathlib import Path

from arguments import run_stage

from growthbench.base.jsonio import write_json
from growthbench.base.settings import Settings
from growthbench.learning.evaluation import evaluate
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.params import load_params
from growthbench.learning.tasks import get_task
from growthbench.learning.training import TrainingResult
from growthbench.runs.tracking import log_run


def main(args):
    task, params = get_task(args.task), load_params(args.params, args.task)
    result, out = TrainingResult.load(args.trained), args.report / "evaluation"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(result.artifact, out / "model")  # the card goes into a copy: what another stage made stays as it is
    record = evaluate(task, TrainingFrame.load(args.frame), replace(result, artifact=out / "model"), params, out)
    write_json(dict(record.metrics), args.report / "metrics.json")
    write_json({"run_id": log_run(record, Settings.read(), Path.cwd())}, args.report / "run.json")


if __name__ == "__main__":
    run_stage(main, __doc__, "frame", "trained", "report", task=True)
