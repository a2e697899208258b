import msgspec
import pytest
from sqlalchemy.exc import DataError, OperationalError

from growthbench.base.errors import (
    AccessError,
    ArtifactError,
    BadInputError,
    ConflictError,
    ForbiddenError,
    GoneError,
    LimitError,
    NotFoundError,
    NotReadyError,
    TooLargeError,
)
from growthbench.serving.problems import problem_of, problem_of_status


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (BadInputError("x", field="rows"), 400, "bad-input"),
        (AccessError("x"), 401, "not-authenticated"),
        (ForbiddenError("x"), 403, "not-allowed"),
        (NotFoundError("x"), 404, "not-found"),
        (ConflictError("x"), 409, "conflict"),
        (GoneError("x"), 410, "erased"),
        (TooLargeError("x"), 413, "too-large"),
        (LimitError("x", 2.1), 429, "too-many-requests"),
        (NotReadyError("x"), 503, "not-ready"),
        (ArtifactError("x"), 503, "bad-artifact"),
        (TimeoutError(), 504, "timeout"),
    ],
)
def test_each_error_has_its_status_and_type(error, status, slug):
    told = problem_of(error).content("/path", "req_1")
    assert (told["status"], told["type"]) == (status, f"urn:growthbench:problem:{slug}")
    assert (told["instance"], told["request_id"]) == ("/path", "req_1")
    assert told.get("field") == getattr(error, "field", None)


def test_a_limit_says_how_long_to_wait_in_whole_seconds():
    assert msgspec.json.decode(problem_of(LimitError("x", 2.1)).body("/", None))["retry_after"] == 3
    assert problem_of(LimitError("x", 0.0)).retry_after == 1
    assert "retry_after" not in problem_of(BadInputError("x")).content()


def test_what_only_we_should_know_goes_to_the_log_alone(caplog):
    failed = OperationalError("SELECT secret", {}, Exception("db.internal refused"))
    told = problem_of(failed, "req_2")
    assert (told.status, told.detail) == (503, "the store cannot be reached now")
    assert "secret" not in problem_of(RuntimeError("the secret"), "req_3").detail
    assert "db.internal" in caplog.text
    assert "req_3" in caplog.text


def test_a_status_of_others_gets_words():
    assert problem_of_status(404, "GET", "/x").detail == "there is no GET /x"
    assert problem_of_status(405, "PUT", "/x").detail == "PUT is not answered at /x"
    assert problem_of_status(500, "GET", "/x", "Traceback: secret").detail.startswith("an unexpected error")
    assert problem_of_status(418, "GET", "/x").title == "I'm a teapot"


@pytest.mark.postgres
def test_a_value_that_the_store_cannot_hold_is_the_callers_fault_and_not_an_outage(postgres_url):
    from growthbench.predictions.log import PredictionLog
    from growthbench.store.engine import open_store

    with open_store(postgres_url) as store, pytest.raises(DataError) as caught:
        PredictionLog(store, "local").read("pred_\x00")
    told = problem_of(caught.value, "req_1")
    assert (told.status, told.title) == (400, "Bad input")
    assert "SELECT" not in told.detail
