"""The engine equals XGBoost's own Python package bit for bit, for every batch size, and leaks nothing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xgboost

from growthbench.base.errors import ArtifactError
from growthbench.learning.engine import Booster, library_version


@pytest.fixture
def raw(parts):
    return parts["members"][0][0]


@pytest.fixture
def matrix(parts, table):
    return parts["encoder"].encode(table[0])


def reference(raw, matrix, encoder, **kwargs):
    booster = xgboost.Booster()
    booster.load_model(bytearray(raw))
    return booster.predict(xgboost.DMatrix(matrix, feature_types=encoder.feature_types), **kwargs)


def test_margins_are_those_of_the_python_package(raw, matrix, parts):
    expected = reference(raw, matrix, parts["encoder"], output_margin=True)
    assert (Booster(raw).margins(matrix)[:, 0] == expected).all()


def test_contributions_are_those_of_the_python_package_and_sum_to_the_margin(raw, matrix, parts):
    booster = Booster(raw)
    found = booster.contributions(matrix)[:, 0]
    assert (found == reference(raw, matrix, parts["encoder"], pred_contribs=True)).all()
    assert found.sum(1) == pytest.approx(booster.margins(matrix)[:, 0], abs=1e-5)


def test_one_row_scores_as_in_a_thousand(raw, matrix):
    booster = Booster(raw)
    together = booster.margins(matrix[:1000])
    alone = np.concatenate([booster.margins(matrix[i : i + 1]) for i in range(1000)])
    assert (together == alone).all()


def test_threads_get_their_own_answers(raw, matrix):
    booster = Booster(raw)
    expected = booster.margins(matrix)
    blocks = [slice(i, i + 37) for i in range(0, 1400, 37)] * 10
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda rows: booster.margins(np.ascontiguousarray(matrix[rows])), blocks))
    assert all((margins == expected[rows]).all() for rows, margins in zip(blocks, found))


def test_no_rows_give_no_margins(raw, matrix):
    assert Booster(raw).margins(matrix[:0]).shape == (0, 1)


def test_the_library_is_the_one_the_engine_was_checked_against():
    assert library_version() == xgboost.__version__
    assert library_version().startswith("3.2.")


@pytest.mark.parametrize("wrong", [b"", b"not a model", b'{"learner": 1}', b"\x80\x04\x95"])
def test_what_is_no_model_is_refused(wrong):
    with pytest.raises(ArtifactError):
        Booster(wrong)


@pytest.mark.parametrize(
    "change", [lambda m: m.astype(np.float64), lambda m: m[:, ::-1], lambda m: np.ascontiguousarray(m[:, :2])]
)
def test_a_matrix_of_another_shape_or_type_is_refused(raw, matrix, change):
    with pytest.raises(ArtifactError):
        Booster(raw).margins(change(matrix))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux's /proc")
def test_handles_are_freed(raw, matrix):
    def resident_mb():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

    def work():
        for _ in range(150):
            Booster(raw).contributions(matrix[:1])

    work()
    before = resident_mb()
    work()
    assert resident_mb() - before < 10
