"""How a program is set up, as an artifact: what answers where no trained model does.

It lies in the same sealed folder as a model (`learning.folder`), so it is logged, reviewed, gated, deployed and rolled
back by the same code. There is nothing in it to score rows with.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from growthbench.base.errors import ArtifactError
from growthbench.base.jsonio import read_json
from growthbench.learning.folder import MANIFEST, from_bytes, manifest_digest, read_sealed, to_bytes, write_sealed

PROGRAM = "program"
"""The kind of an artifact that is no model."""
PROMPT = "prompt_"
"""Prefix of tasks whose runs compare prompts; a prompt is served from its own table."""
_FILE = "configuration.json"


class Configuration:
    """A program's settings, sealed.

    Attributes
    ----------
    manifest : mapping
    settings : mapping
        Plain JSON values.
    """

    kind = PROGRAM
    columns = ()

    def __init__(self, manifest: Mapping[str, Any], settings: Mapping[str, Any]):
        self.manifest, self.settings = manifest, settings

    @property
    def task(self) -> str:
        """What it answers."""
        return self.manifest["task"]

    @property
    def digest(self) -> str:
        """Of the manifest, and so of the settings."""
        return manifest_digest(self.manifest)

    def __repr__(self) -> str:
        return f"Configuration({self.task}@{self.digest[:12]})"


def save_configuration(folder: str | os.PathLike, task: str, settings: Mapping[str, Any]) -> Configuration:
    """Write settings as an artifact folder, and read it again."""
    write_sealed(folder, {"task": task, "kind": PROGRAM}, {_FILE: to_bytes(dict(settings))})
    return load_configuration(folder)


def is_configuration(folder: str | os.PathLike) -> bool:
    """Whether a folder's manifest calls it the configuration of a program; nothing is checked."""
    try:
        return read_json(Path(folder) / MANIFEST).get("kind") == PROGRAM
    except (OSError, ValueError, AttributeError):
        return False


def load_configuration(folder: str | os.PathLike) -> Configuration:
    """Read a configuration, its digests checked.

    Raises
    ------
    ArtifactError
        It is none, or its files are not those that were written.
    """
    manifest, files = read_sealed(folder)
    if manifest.get("kind") != PROGRAM or _FILE not in files:
        raise ArtifactError(f"{folder} holds a {manifest.get('kind')!r}, not the configuration of a program")
    return Configuration(manifest, from_bytes(files, _FILE))
