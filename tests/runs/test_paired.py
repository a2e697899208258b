import numpy as np
import pandas as pd
import pytest

from growthbench.base.errors import BadInputError
from growthbench.base.statistics import auc, value_of
from growthbench.runs.paired import (
    Difference,
    common_rows,
    paired_differences,
    slice_differences,
    unpaired_differences,
)


def evaluation(n, seed, noise, which=0):
    """Rows of a world of known odds, scored by the odds with noise; ``which`` keeps two scorers' noises apart."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 1, n)
    label = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    part = rng.choice(np.array(["north", "south"], object), n)
    p = 1 / (1 + np.exp(-odds - np.random.default_rng([seed, which]).normal(0, noise, n)))
    keys = [f"k{i}" for i in range(n)]
    columns = {"key": keys, "fold": "test", "label": label, "score": p, "calibrated": p, "slice_part": part}
    return pd.DataFrame(columns)


def auc_of(rows):
    return value_of(auc(rows["label"].to_numpy(), rows["score"].to_numpy()), len(rows))


@pytest.fixture(scope="module")
def true_gain():
    """What the better scorer gains in AUC on the whole population, by 400,000 of its rows."""
    return auc_of(evaluation(400_000, 99, 0.3, 2)) - auc_of(evaluation(400_000, 99, 0.8, 1))


def test_the_paired_interval_covers_the_known_truth_as_often_as_it_says(true_gain):
    covered = 0
    for seed in range(100):
        rows = common_rows(evaluation(1500, seed, 0.8, 1), evaluation(1500, seed, 0.3, 2))
        one = paired_differences(rows, "binary", ("auc",), count=200)[0]
        covered += one.lo <= true_gain <= one.hi
    # 95 % of 100: a right interval leaves 88..100 but once in a thousand.
    assert 88 <= covered <= 100


def test_pairing_shows_what_two_separate_intervals_hide(true_gain):
    a, b = evaluation(1500, 3, 0.8, 1), evaluation(1500, 3, 0.3, 2)
    paired = paired_differences(common_rows(a, b), "binary", ("auc",))[0]
    assert paired.verdict == "better"
    assert paired.difference == pytest.approx(auc_of(b) - auc_of(a), abs=1e-12)
    own = [paired_differences(common_rows(f.assign(score=0.5), f), "binary", ("auc",))[0] for f in (a, b)]
    recorded = [{"auc": one.b, "auc_lo": 0.5 + one.lo, "auc_hi": 0.5 + one.hi} for one in own]
    unpaired = unpaired_differences("binary", *recorded, 1500)[0]
    assert unpaired.difference == pytest.approx(paired.difference)
    assert unpaired.hi - unpaired.lo > 1.5 * (paired.hi - paired.lo)
    assert unpaired.verdict == "not compared"


def test_rows_are_paired_by_key_whatever_their_order():
    a, b = evaluation(600, 4, 0.8, 1), evaluation(600, 4, 0.3, 2)
    straight = paired_differences(common_rows(a, b), "binary")
    shuffled = paired_differences(common_rows(a.sample(frac=1, random_state=1), b), "binary")
    assert straight == shuffled
    some = common_rows(a.iloc[:400], b.iloc[100:])
    assert (len(some), some.rows_a, some.rows_b) == (300, 400, 500)
    assert (some.a["key"] == some.b["key"]).all()


def test_rows_with_another_label_are_left_out_and_counted():
    a, b = evaluation(600, 4, 0.8, 1), evaluation(600, 4, 0.3, 2)
    b.loc[:9, "label"] = 1 - b.loc[:9, "label"]
    rows = common_rows(a, b)
    assert (len(rows), rows.relabelled) == (590, 10)


def test_less_is_better_turns_the_verdict_round():
    better = Difference("log_loss", 0.5, 0.4, -0.12, -0.08, 100)
    assert (better.verdict, better.gain > 0, better.gain_interval) == ("better", True, (0.08, 0.12))
    assert Difference("auc", 0.5, 0.4, -0.12, -0.08, 100).verdict == "worse"
    assert Difference("auc", 0.5, 0.6, -0.01, 0.2, 100).verdict == "no difference shown"
    assert Difference("auc", 0.5, 0.6, float("nan"), float("nan"), 100).verdict == "not compared"


def test_rows_of_one_person_are_resampled_together():
    """Ten copies of each person carry no more than one: the interval must not shrink."""
    a, b = evaluation(300, 5, 0.8, 1), evaluation(300, 5, 0.3, 2)
    single = paired_differences(common_rows(a, b), "binary", ("auc",), count=400)[0]
    many = [pd.concat([f.assign(key=f["key"] + f"/{i}", group=f["key"]) for i in range(10)]) for f in (a, b)]
    together = paired_differences(common_rows(*many), "binary", ("auc",), count=400)[0]
    alone = paired_differences(common_rows(*(f.drop(columns="group") for f in many)), "binary", ("auc",), count=400)[0]
    width = single.hi - single.lo
    assert together.hi - together.lo == pytest.approx(width, rel=0.2)
    assert alone.hi - alone.lo < 0.5 * width


def test_slice_intervals_hold_together_so_they_are_wider():
    a, b = evaluation(2000, 6, 0.8, 1), evaluation(2000, 6, 0.3, 2)
    rows = common_rows(a, b)
    found = slice_differences(rows, "binary", "auc", count=400)
    assert [one.part for one in found] == ["part = north", "part = south"]
    north = rows.only((rows.b["slice_part"] == "north").to_numpy())
    one = paired_differences(north, "binary", ("auc",), count=400, by_fold=False)[0]
    assert (found[0].hi - found[0].lo) / (one.hi - one.lo) == pytest.approx(2.2414 / 1.96, rel=0.01)
    assert slice_differences(rows, "binary", "auc", min_rows=5000) == []


def test_classes_and_texts_have_their_own_metrics():
    rng = np.random.default_rng(0)
    n = 400
    label = rng.choice(np.array(["a", "b", None], object), n, p=[0.4, 0.4, 0.2])
    wrong = rng.random(n) < 0.3
    base = {
        "key": [f"t{i}" for i in range(n)],
        "fold": "test",
        "label": label,
        "out_of_scope": [v is None for v in label],
        "calibrated": np.full(n, 0.7),
        "label_probability": np.where(wrong, 0.2, 0.7),
        "label_rank": np.where(wrong, 5, 1),
        "refused": rng.random(n) < 0.1,
    }
    first = pd.DataFrame(base | {"predicted": np.where(wrong, "c", label)})
    second = first.assign(predicted=label, label_probability=0.7, label_rank=1, refused=first["out_of_scope"])
    found = {one.name: one for one in paired_differences(common_rows(first, second), "text")}
    assert set(found) == {"accuracy", "ece", "log_loss", "top3", "in_scope_refused", "oos_recall"}
    assert found["accuracy"].b == found["top3"].b == found["oos_recall"].b == 1.0
    assert found["accuracy"].a == pytest.approx(1 - wrong[label != None].mean())  # noqa: E711
    assert {found[name].verdict for name in ("accuracy", "log_loss", "in_scope_refused", "oos_recall")} == {"better"}


def test_no_common_rows_are_refused():
    a, b = evaluation(50, 1, 0.3), evaluation(50, 1, 0.3)
    with pytest.raises(BadInputError, match="needs common rows"):
        paired_differences(common_rows(a, b.assign(key=b["key"] + "x")), "binary")
