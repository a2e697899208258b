"""A feature tried out in a notebook: at work at once, and promoted by pasting one line."""

from pathlib import Path

import pyarrow as pa

from growthbench.features import offline
from growthbench.features.catalogue import Catalogue
from growthbench.features.feature import Feature
from growthbench.features.shipped import CATALOGUE


class TriedFeature:
    """One new declaration beside a catalogue.

    Attributes
    ----------
    declaration : Feature
    catalogue : Catalogue
        A copy of the given one with the declaration at its end.
    """

    def __init__(self, declaration: Feature, catalogue: Catalogue = CATALOGUE):
        self.declaration = declaration
        self.catalogue = catalogue + declaration

    @property
    def alone(self) -> Catalogue:
        """A catalogue of this feature only."""
        return Catalogue(self.declaration)

    @property
    def names(self) -> list[str]:
        """Names of its columns."""
        return list(self.alone.names)

    def values(self, lake, spine: pa.Table | None = None, out: Path | None = None) -> pa.Table | Path:
        """The feature of every spine row; of everyone in the lake as of its end unless a spine is given."""
        return offline.build(self.alone, lake, offline.everyone(lake) if spine is None else spine, out)

    def promote(self) -> str:
        """The line to paste into ``features/shipped.py`` (or another catalogue)."""
        return f"{self.declaration!r},"

    def __repr__(self) -> str:
        return f"{self.declaration!r}\nto keep it, paste into features/shipped.py:\n    {self.promote()}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"{self.alone._repr_html_()}<p>To keep it, paste this line: <code>{escape(self.promote())}</code></p>"


def feature(declaration: Feature, catalogue: Catalogue = CATALOGUE) -> TriedFeature:
    """Try a declaration without touching the shipped catalogue.

    Parameters
    ----------
    declaration : Feature
        Made by a function of `grammar`.
    catalogue : Catalogue
        What it is added to.

    Raises
    ------
    BadInputError
        The catalogue already makes a column of that name.
    """
    return TriedFeature(declaration, catalogue)
