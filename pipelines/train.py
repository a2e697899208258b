"""Train one task: frame + params -> model folder and predictions on rows it did not see."""

from arguments import run_stage

from growthbench.learning.frame import TrainingFrame
from growthbench.learning.params import load_params
from growthbench.learning.tasks import get_task
from growthbench.learning.training import train
from growthbench.workbench.progress import Bars


def main(args):
    task = get_task(args.task)
    with Bars() as bars:
        train(task, TrainingFrame.load(args.frame), load_params(args.params, task.name), args.out, bars)


if __name__ == "__main__":
    run_stage(main, __doc__, "frame", "out", task=True)
