"""Build one task's training frame: data + params -> rows, features, labels."""

from arguments import run_stage

from growthbench.learning.params import load_params
from growthbench.learning.tasks import get_task
from growthbench.workbench.laid_out import open_laid_out
from growthbench.workbench.progress import Bars


def main(args):
    task = get_task(args.task)
    with Bars() as bars:
        open_laid_out(args.data).frame(task, load_params(args.params, task.name), bars).save(args.out)


if __name__ == "__main__":
    run_stage(main, __doc__, "data", "out", task=True)
