"""The shell's front door: ``growthbench VERB``; errors are one line and exit code 2, ``--json`` prints one object."""

from growthbench.cli.app import main

__all__ = ["main"]
