"""What every stage script shares: paths are arguments, numbers come from params.yaml, errors are one line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from growthbench.base.errors import GrowthbenchError
from growthbench.base.settings import be_quiet


def run_stage(
    main: Callable[[argparse.Namespace], None],
    about: str,
    *paths: str,
    task: bool = False,
    which: Sequence[str] = (),
) -> None:
    """Parse ``--NAME PATH`` for each name, call ``main``, exit with 2 and one line on a known error."""
    be_quiet()
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    if task:
        parser.add_argument("--task", required=True)
    if which:
        parser.add_argument("--which", choices=which, required=True)
    for name in paths:
        parser.add_argument(f"--{name}", type=Path, required=True)
    try:
        main(parser.parse_args())
    except GrowthbenchError as exc:
        print(f"{parser.prog}: {exc}", file=sys.stderr)
        raise SystemExit(2) from exc
