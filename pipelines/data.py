"""Lay a data source out in a folder: params -> a lake of events, or a labelled table."""

import shutil
from dataclasses import replace

from arguments import run_stage

from growthbench.base.settings import Settings
from growthbench.learning.params import load_data_params
from growthbench.workbench.laid_out import write_laid_out
from growthbench.workbench.sources import open_source


def main(args):
    data = load_data_params(args.params)
    if args.which == "texts":
        data = replace(data, source=data.texts)
    shutil.rmtree(args.out, ignore_errors=True)
    write_laid_out(open_source(data, Settings.read(), folder=args.out), args.out)


if __name__ == "__main__":
    run_stage(main, __doc__, "out", which=("log", "texts"))
