from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import BadInputError
from growthbench.serving.requests import ScoreRequest, read_reasons, read_score_request


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_bad_input(body):
    with suppress(BadInputError):
        assert isinstance(read_score_request(body), ScoreRequest)


@pytest.mark.parametrize(("text", "number"), [(None, 0), ("0", 0), ("3", 3), (100, 100)])
def test_reasons_are_a_number_up_to_100(text, number):
    assert read_reasons(text) == number


def test_exactly_one_kind_of_question_is_asked():
    assert ScoreRequest(rows=[]).given() == "rows"
    with pytest.raises(BadInputError, match="found none"):
        ScoreRequest().given()
    with pytest.raises(BadInputError, match="found rows and user_id"):
        ScoreRequest(rows=[], user_id="a").given()
