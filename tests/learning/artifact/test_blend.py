"""Points by rule, in plain numbers; nothing but data in its JSON."""

import numpy as np
import pytest

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning.blend import Blend, Part, Rule


@pytest.fixture
def blend():
    behaviour = Part("behaviour", 0.4, (Rule("visits", 0.75, cap=4), Rule("invites", 0.25, cap=2)))
    firm = Part("firmographic", 0.3, (Rule("plan", 1.0, values={"pro": 1.0}, other=0.5),))
    return Blend((behaviour, firm, Part("model", 0.3)), qualified=0.7)


def test_points_are_capped_weighted_and_missing_earns_nothing(blend):
    columns = {"visits": [2, 100, None, -3], "invites": [2, 2, None, 0], "plan": ["pro", "other", None, "pro"]}
    found = blend.evaluate(columns, np.array([0.5, 1.0, 0.5, 0.0]))
    assert found["behaviour"].tolist() == [0.625, 1.0, 0.0, 0.0]
    assert found["firmographic"].tolist() == [1.0, 0.5, 0.0, 1.0]
    assert found["blend"] == pytest.approx([0.7, 0.85, 0.15, 0.3])
    assert found["qualified"].tolist() == [bool(v > 0.7) for v in found["blend"]]
    assert blend.features == ("visits", "invites", "plan")


def test_numpy_and_nan_are_read_alike(blend):
    columns = {
        "visits": np.array([2.0, np.nan]),
        "invites": np.array([1.0, 1.0]),
        "plan": np.array(["pro", None], object),
    }
    assert blend.evaluate(columns, np.zeros(2))["behaviour"].tolist() == [0.5, 0.125]


def test_json_round_trip(blend):
    assert Blend.from_json(blend.to_json()) == blend


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rule("x", 1.0),
        lambda: Rule("x", 1.0, cap=2, values={"a": 1.0}),
        lambda: Rule("x", 1.0, cap=0),
        lambda: Rule("x", 1.0, values={"a": 1.5}),
        lambda: Part("behaviour", 1.0),
        lambda: Part("behaviour", 1.0, (Rule("x", 0.5, cap=1),)),
        lambda: Blend((Part("model", 0.5),)),
        lambda: Blend((Part("model", 1.0),)).evaluate({}),
    ],
)
def test_what_cannot_be_a_blend_is_refused(make):
    with pytest.raises(BadInputError):
        make()


def test_a_broken_file_is_an_artifact_error():
    with pytest.raises(ArtifactError):
        Blend.from_json({"parts": [{"name": "x"}], "qualified": 0.7})
