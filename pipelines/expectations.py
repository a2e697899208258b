"""Check the data against its expectations; a critical failure stops the pipeline."""

from arguments import run_stage

from growthbench.workbench.checking import check_data


def main(args):
    check_data(args.data, args.report)


if __name__ == "__main__":
    run_stage(main, __doc__, "data", "report")
