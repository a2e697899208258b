"""Measure against the peers: ``python -m benchmarks [NAME] [ARGUMENTS]``; without a name, every comparison."""

import sys
from importlib import import_module

COMPARISONS = ("features", "serving", "knowledge")


def main() -> None:
    name, *rest = sys.argv[1:] or [None]
    if name is not None and name not in COMPARISONS:
        sys.exit(f"unknown comparison {name!r}; there are {', '.join(COMPARISONS)}")
    for each in [name] if name else COMPARISONS:
        import_module(f"benchmarks.{each}.__main__").main(rest)


if __name__ == "__main__":
    main()
