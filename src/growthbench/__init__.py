"""growthbench: an open workbench for marketing models and agents.

>>> import growthbench as gb
>>> wb = gb.open()                       # doctest: +SKIP
"""

from importlib import import_module

from growthbench.base.version import __version__

_WORDS = (
    "active_days", "among_last", "count", "distinct", "first", "last", "mean", "mean_gap", "median_gap", "on",
    "recency", "sessions", "share", "tenure", "top", "total", "trait", "trend",
)  # fmt: skip
"""The words of a feature's declaration."""

_LAZY = {
    **dict.fromkeys(_WORDS, "growthbench.features.grammar"),
    "feature": "growthbench.features.adhoc",
    "Event": "growthbench.events.live",
    "Workbench": "growthbench.workbench.bench",
}


def open(home=None, quiet: bool = False):  # noqa: A001  reads as gb.open()
    """Open a home and say which one it is.

    Parameters
    ----------
    home : path, optional
        Folder; by default ``GROWTHBENCH_HOME``, else the nearest ``.growthbench``, see `base.settings.find_home`.
    quiet : bool
        Do not print the folder.

    Returns
    -------
    Workbench
    """
    from growthbench.base.settings import Settings
    from growthbench.workbench.bench import Workbench

    settings = Settings.read(home)
    params = settings.home.parent / "params.yaml"
    if not quiet:
        print(f"growthbench {__version__}, home {settings.home}")
    return Workbench(settings, params if params.is_file() else None)


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'growthbench' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LAZY])
