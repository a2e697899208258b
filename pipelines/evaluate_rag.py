"""Ask the labelled questions of the documents, measure the answers, and write the run down."""

import shutil
from pathlib import Path

from arguments import run_stage

from growthbench.base.jsonio import write_json
from growthbench.base.settings import Settings
from growthbench.knowledge.evaluation.params import RagParams
from growthbench.runs.tracking import log_run
from growthbench.workbench.answering import evaluate_answers


def main(args):
    settings, out = Settings.read(), args.report / "evaluation"
    shutil.rmtree(out, ignore_errors=True)
    record = evaluate_answers(settings, args.documents, RagParams.load(args.params), out)
    write_json(dict(record.metrics), args.report / "metrics.json")
    write_json({"run_id": log_run(record, settings, Path.cwd())}, args.report / "run.json")


if __name__ == "__main__":
    run_stage(main, __doc__, "documents", "report")
