"""One process of a home works on the Desk's jobs: the Desk while it lives, or whoever puts a backup in their place."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from growthbench.base.errors import ConflictError

NAME = "desk.lock"


def only_one(home: Path, otherwise: str = "a home has one Desk") -> TextIO:
    """The lock that one Desk of a home holds while it lives: nobody else may execute its jobs, or replace them.

    Parameters
    ----------
    home : Path
    otherwise : str
        What whoever finds it taken should know or do.

    Raises
    ------
    ConflictError
        A Desk has the home open.
    """
    home.mkdir(parents=True, exist_ok=True)
    file = open(os.open(home / NAME, os.O_RDWR | os.O_CREAT, 0o600), "r+")  # noqa: SIM115  held until it is closed
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        file.close()
        raise ConflictError(f"a Desk has {home} open already: {otherwise}") from exc
    return file
