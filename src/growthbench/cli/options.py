"""Options that several verbs share."""

from pathlib import Path

import click

from growthbench.base.errors import BadInputError
from growthbench.base.settings import Settings

PORT = click.IntRange(1, 65_535)
home_option = click.option("--home", type=click.Path(path_type=Path), help="home folder (default: GROWTHBENCH_HOME)")
set_option = click.option("--set", "settings_", multiple=True, metavar="NAME=VALUE", help="override a parameter")
params_option = click.option(
    "--params", type=click.Path(path_type=Path), help="params.yaml (default: the one here, if any)"
)


def overrides(pairs: tuple[str, ...]) -> dict[str, str]:
    """``("seed=1",)`` as ``{"seed": "1"}``."""
    parts = [pair.partition("=") for pair in pairs]
    if wrong := [p for p in parts if not (p[0] and p[1])]:
        raise BadInputError(f"--set wants NAME=VALUE, found {wrong[0][0]!r}", field="set")
    return {name: value for name, _, value in parts}


def params_file(given: Path | None) -> Path | None:
    """The parameter file: the one given, else ``params.yaml`` in this folder, else none (defaults)."""
    here = Path("params.yaml")
    return given or (here if here.is_file() else None)


def settings(home: Path | None) -> Settings:
    """Settings of this call."""
    return Settings.read(home)
