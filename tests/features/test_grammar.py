"""A declaration is one line: it writes itself, names its columns and refuses what engines cannot agree on."""

import subprocess
import sys

import pytest

from growthbench import features
from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.features import grammar
from growthbench.features.catalogue import Catalogue
from growthbench.features.filters import ANY
from growthbench.features.grammar import count, last, mean, on, recency, sessions, share, total, trait, trend
from growthbench.features.kinds import KINDS
from growthbench.features.shipped import CATALOGUE
from tests.features.declared import EVERYTHING

NAMES = {n: getattr(grammar, n) for n in grammar.__all__}


@pytest.mark.parametrize("feature", [*EVERYTHING, *CATALOGUE], ids=lambda f: f.name)
def test_the_repr_of_a_feature_is_its_source(feature):
    assert eval(repr(feature), NAMES) == feature


def test_every_kind_is_declared_by_a_word_and_tested():
    assert {f.kind for f in EVERYTHING} == set(KINDS)
    assert set(KINDS) == set(grammar.__all__) - {"on", "minutes"}
    assert all(getattr(features, word) is getattr(grammar, word) for word in grammar.__all__)


def test_unions_do_not_depend_on_how_they_are_written():
    assert on("a") | on("b") == on("b", "a") == on("a") | on("b") | on("a")
    assert on("a") | on() == ANY
    assert on("a", category="x") | on("b") != on("a", "b", category="x")
    assert on("a", channel="x") | on(channel="x") == on(channel="x")


def test_a_group_stands_for_its_names():
    assert on(group="visit") == on("page_view", "search", "cart_remove")


def test_windows_name_the_columns():
    assert Catalogue(count("buys", windows=(7, None)), count("all_events")).names == (
        "buys_7d",
        "buys_all",
        "all_events",
    )


@pytest.mark.parametrize(
    "declare",
    [
        lambda: on("page_view", colour="red"),
        lambda: on("page_view", category=3),
        lambda: on(group="nobody"),
        lambda: count("Buys"),
        lambda: count("buys__n"),
        lambda: count("buys", windows=(7.5,)),
        lambda: count("buys", windows=()),
        lambda: count("buys", windows=(7, 7)),
        lambda: count("buys", windows=(True,)),
        lambda: total("revenue", of="price"),
        lambda: last("last_amount", of="amount"),
        lambda: recency("since", unit="hours"),
        lambda: sessions("visits", idle=0),
        lambda: trend("trend", short=30, long=7),
        lambda: trait("height"),
        lambda: Catalogue(count("a", windows=(7,)), count("a_7d")),
    ],
)
def test_what_has_no_one_meaning_is_refused(declare):
    with pytest.raises(BadInputError):
        declare()


def test_select_keeps_the_order_of_the_catalogue_and_only_what_is_named():
    some = CATALOGUE.select(["plan", "purchases_90d", "page_views"])
    assert some.names == ("page_views_7d", "page_views_30d", "purchases_90d", "plan")
    with pytest.raises(UnknownNameError, match="page_views"):
        CATALOGUE.select(["page_viewz"])


def test_the_hash_follows_the_meaning_not_the_words():
    buys = count("buys", on("purchase"), about="Purchases")
    assert Catalogue(buys).hash == Catalogue(count("buys", on("purchase"))).hash
    assert Catalogue(buys).hash != Catalogue(count("buys", on("refund"))).hash
    assert Catalogue(recency("since")).hash != Catalogue(recency("since", unit="us")).hash
    assert Catalogue(mean("a", of="amount")).hash != Catalogue(mean("a", of="quantity")).hash
    assert Catalogue(share("s", on("a"), on("b"))).hash != Catalogue(share("s", on("a"), on("c"))).hash


def test_every_shipped_column_has_unit_and_meaning():
    for row in CATALOGUE.describe():
        assert all(row.values()), row
        assert list(row) == ["name", "unit", "about", "kind", "window"]
    assert [r["name"] for r in CATALOGUE.describe()] == list(CATALOGUE.names)


def test_the_notebook_shows_a_table_with_every_column():
    page = CATALOGUE._repr_html_()
    assert all(f"<td style='text-align:left'>{n}</td>" in page for n in CATALOGUE.names)
    assert "&lt;script" in Catalogue(count("x", about="<script>"))._repr_html_()


def test_declaring_and_serving_import_nothing_heavy():
    code = (
        "import sys; import growthbench.features.shipped, growthbench.features.plan;"
        "print([m for m in ('ibis', 'duckdb', 'pandas', 'pyarrow', 'sqlglot', 'sqlalchemy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
