"""Compare what a model learned from with the newest rows: one report, and how many decisions would change."""

from arguments import run_stage

from growthbench.learning.frame import TrainingFrame
from growthbench.learning.params import load_params
from growthbench.workbench.drifting import measure_drift
from growthbench.workbench.progress import Bars


def main(args):
    params = load_params(args.params, args.task)
    with Bars() as bars:
        measure_drift(TrainingFrame.load(args.frame), args.trained / "model", params, args.report, bars)


if __name__ == "__main__":
    run_stage(main, __doc__, "frame", "trained", "report", task=True)
