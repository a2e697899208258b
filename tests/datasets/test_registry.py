import re

import pytest

from growthbench.base.errors import UnknownNameError
from growthbench.datasets import describe, entry, names

ASKED_FOR = {
    "telco-churn", "x-education-leads", "bank-marketing", "mlc-churn", "ifood-response", "online-retail", "clinc150",
    "clinc150-sample",
}  # fmt: skip


def test_holds_the_sets_that_were_asked_for():
    assert set(names()) >= ASKED_FOR


@pytest.mark.parametrize("name", names())
def test_every_file_is_pinned_to_a_commit_and_two_digests(name):
    found = entry(name)
    assert found.files or found.sample
    for file in found.files:
        own = file.source.how == "by_hand" and not file.source.address  # written for this project: on no server
        assert own or re.search(r"/[0-9a-f]{40}/", file.source.address)
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(r"[0-9a-f]{64}", file.source.sha256)
        assert file.source.how == "by_hand" or (file.source.how == "as_is") == (file.sha256 == file.source.sha256)
        assert (file.source.how == "by_hand") == bool(file.source.hint)


@pytest.mark.parametrize("name", names())
def test_every_set_states_licence_origin_size_and_target(name):
    found = entry(name)
    assert found.licence
    assert found.origin
    assert found.about
    assert found.rows > 0
    assert found.columns > 0
    assert (found.label is None) == (found.kind in ("log", "retrieval"))


def test_an_unknown_name_lists_the_known_ones_closest_first():
    with pytest.raises(UnknownNameError, match="unknown dataset 'telco_churn': did you mean 'telco-churn'"):
        entry("telco_churn")


def test_describe_has_one_row_per_set():
    rows = {row["name"]: row for row in describe()}
    assert list(rows) == names()
    assert rows["telco-churn"]["positive_rate"] == pytest.approx(0.2654)
    assert rows["bank-marketing"]["known_leaks"] == ["duration"]
