import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from growthbench.base.errors import UnknownNameError
from growthbench.language import KINDS, PRIORITIES, cost, model_table, monthly_total
from growthbench.ledger import dollars, micros


def test_the_four_monthly_totals_of_the_requirements():
    """LLM-02: 10 million tokens in, 5 million out, a month."""
    told = {
        "openai/gpt-4-turbo": "250.00",
        "xai/grok-2": "125.00",
        "anthropic/claude-3-opus": "525.00",
        "anthropic/claude-3-sonnet": "105.00",
    }
    totals = {name: monthly_total(name, 10_000_000, 5_000_000) for name in told}
    assert {name: dollars(total) for name, total in totals.items()} == told
    dearest = totals["openai/gpt-4-turbo"]
    assert dollars(dearest - totals["xai/grok-2"]) == "125.00"
    assert dollars(dearest - totals["anthropic/claude-3-sonnet"]) == "145.00"


def test_fifteen_cells_over_todays_models():
    table = model_table()
    assert len(table.cells) == len(KINDS) * len(PRIORITIES) == 15
    routed = {*table.cells.values(), *table.fallback}
    assert not [name for name in routed if table.card(name).retired]
    assert table.about["advice"] is False
    assert table.about["date"]
    assert table.about["source"]


def test_cost_never_costs_more_than_quality():
    table = model_table()
    for kind in KINDS:
        quality, cheap = (table.card(table.cell(kind, p)) for p in ("quality", "cost"))
        assert cost(cheap, 3000, 1000) < cost(quality, 3000, 1000), kind


def test_todays_prices_are_those_of_the_named_source():
    """The price map that dspy ships, the independent source the table names."""
    import dspy

    raw = gzip.decompress((Path(dspy.__file__).parent / "clients/model_metadata/snapshot.json.gz").read_bytes())
    told = json.loads(raw, parse_float=Decimal)
    compared = 0
    for name, card in model_table().models.items():
        if card.retired:
            continue
        row = told.get(name) or told[name.partition("/")[2]]
        for what, key in (
            ("input_price", "input_cost_per_token"),
            ("output_price", "output_cost_per_token"),
            ("cached_price", "cache_read_input_token_cost"),
        ):
            assert getattr(card, what) == micros(row[key] * 1_000_000), (name, what)
        assert card.context <= row["max_input_tokens"]
        assert card.output_limit <= row["max_output_tokens"]
        above = [int(k.split("_above_")[1].split("k_")[0]) for k in row if "_above_" in k and "k_tokens" in k]
        assert not above or card.context <= min(above) * 1000, name
        compared += 1
    assert compared == 16


def test_a_cost_is_rounded_up_once():
    nano = model_table().card("openai/gpt-5-nano")
    assert cost(nano, 1, 0) == 1
    assert cost(nano, 20, 0) == 1
    assert cost(nano, 21, 0) == 2
    assert cost(nano, 1_000_000, 1_000_000, cached_tokens=1_000_000) == micros("0.405")


def test_names_nobody_knows_are_refused():
    with pytest.raises(UnknownNameError, match="content_generation"):
        model_table().cell("content-generation", "cost")
    with pytest.raises(UnknownNameError, match="did you mean 'speed'"):
        model_table().cell("reasoning", "sped")
    with pytest.raises(UnknownNameError, match="gpt-4o"):
        monthly_total("openai/gpt-4oo", 1, 1)
