"""A feature tried in a notebook works at once and says which line keeps it."""

import pytest

from growthbench.base.errors import BadInputError
from growthbench.events.lake import Lake
from growthbench.features import adhoc, grammar
from growthbench.features.grammar import count, on
from growthbench.features.shipped import CATALOGUE
from tests.features.test_plan import DATA


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path).write(DATA)


def test_a_tried_feature_has_values_for_everyone(lake):
    tried = adhoc.feature(count("buys", on("purchase"), windows=(1, None)))
    table = tried.values(lake)
    assert table["person"].to_pylist() == ["Bö", "ann", "😀"]
    assert table["buys_all"].to_pylist() == [15.0, 15.0, 15.0]
    assert "buys_1d" in tried._repr_html_()


def test_it_joins_a_copy_of_the_catalogue():
    before = CATALOGUE.hash
    tried = adhoc.feature(count("buys", on("purchase")))
    assert tried.catalogue.names == (*CATALOGUE.names, "buys")
    assert CATALOGUE.hash == before
    with pytest.raises(BadInputError, match="twice"):
        adhoc.feature(count("tenure"))


def test_the_promoted_line_is_the_declaration():
    declaration = count("buys", on("purchase"), windows=(1, None), about='Purchases, so "called"')
    line = adhoc.feature(declaration).promote()
    assert "\n" not in line
    assert eval(line, {n: getattr(grammar, n) for n in grammar.__all__}) == (declaration,)
