import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import BadInputError, NoChampionError
from growthbench.learning.artifact import load_model
from growthbench.predictions.deployments import challenge, champion, deploy, history, rollback
from growthbench.predictions.recompute import recompute
from growthbench.predictions.split import by_challenger


@given(st.text(max_size=40), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_whom_a_smaller_one_had(person, one, other):
    low, high = sorted((one, other))
    assert by_challenger("t", "churn", person, high) >= by_challenger("t", "churn", person, low)


def test_the_split_depends_on_tenant_and_task_and_is_fair():
    people = [f"p{i}" for i in range(4_000)]
    split = [by_challenger("a", "churn", p, 0.3) for p in people]
    assert sum(split) / 4_000 == pytest.approx(0.3, abs=0.03)
    for other in (("b", "churn"), ("a", "lead_scoring")):
        again = [by_challenger(*other, p, 0.3) for p in people]
        agree = sum(x == y for x, y in zip(split, again)) / 4_000
        assert agree == pytest.approx(0.58, abs=0.04)  # as two independent draws do: 0.3² + 0.7²


@pytest.fixture
def rivals(scorer, store, home, artifacts):
    """A scorer whose churn has a challenger that answers 40 % of the people."""
    digest = load_model(artifacts["churn_2"]).digest
    challenge(store, home, "local", "churn", digest, 0.4, "run-rival", artifact=artifacts["churn_2"])
    scorer.champions._read_at = None
    return scorer


def logged(store):
    with store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT prediction_id, person, role, model_digest, run_id FROM predictions")
        return [row._asdict() for row in rows]


def test_each_person_is_answered_by_the_same_model_every_time_and_the_other_watches(rivals, store, people):
    first, second = rivals.score_people("churn", people), rivals.score_people("churn", people[::-1])[::-1]
    assert [p.role for p in first] == [p.role for p in second]
    assert {p.role for p in first} == {"champion", "challenger"}
    assert sum(p.role == "challenger" for p in first) / len(people) == pytest.approx(0.4, abs=0.2)
    rows = logged(store)
    assert len(rows) == 4 * len(people)
    for answer in first:
        roles = sorted(row["role"] for row in rows if row["person"] == answer.person)
        assert roles == sorted([answer.role, "shadow"] * 2)
    assert {(r["role"], r["run_id"]) for r in rows} == {
        ("champion", "run-churn"), ("challenger", "run-rival"), ("shadow", "run-churn"), ("shadow", "run-rival"),
    }  # fmt: skip


def test_answers_tell_the_challenger_and_every_one_can_be_recomputed(rivals, store, home, people):
    answers = [p.answer() for p in rivals.score_people("churn", people)]
    for answer in answers:
        assert answer.get("role", "champion") in ("champion", "challenger")
        assert (answer["run_id"] == "run-rival") == ("role" in answer)
    ids = [row["prediction_id"] for row in logged(store)]
    assert all(r.same for r in recompute(store, home, "local", ids))
    told = rivals.explain(next(r["prediction_id"] for r in logged(store) if r["role"] == "challenger")).answer()
    assert (told["role"], told["run_id"]) == ("challenger", "run-rival")


def test_rows_have_nobody_to_be_split_so_the_champion_answers_and_the_challenger_watches(
    scorer, store, home, artifacts, tmp_path
):
    import small_models

    rival = small_models.table_model(tmp_path / "rival", seed=5)
    challenge(store, home, "local", "intent", load_model(rival).digest, 1.0, artifact=rival)
    scorer.champions._read_at = None
    answers = scorer.score_rows("intent", [{"kind": "a", "x": 1.0}, {"x": None, "kind": None}])
    assert [p.role for p in answers] == ["champion"] * 2
    rows = logged(store)
    assert sorted(r["role"] for r in rows) == ["champion", "champion", "shadow", "shadow"]
    assert all(r.same for r in recompute(store, home, "local", [r["prediction_id"] for r in rows]))


def test_who_may_be_a_challenger(scorer, store, home, artifacts):
    first, second = (load_model(artifacts[name]).digest for name in ("churn", "churn_2"))
    with pytest.raises(BadInputError, match="its own challenger"):
        challenge(store, home, "local", "churn", first, 0.1)
    with pytest.raises(BadInputError, match="was deployed for churn before"):
        challenge(store, home, "local", "churn", second, 0.1)
    with pytest.raises(BadInputError, match="between 0 and 1"):
        challenge(store, home, "local", "churn", second, 1.5)
    with pytest.raises(NoChampionError):
        challenge(store, home, "local", "chat_intent", second)
    deploy(store, home, "local", "churn", artifacts["churn_2"], "run-2")
    made = challenge(store, home, "local", "churn", first, 0.25, evidence={"by": "tests"})
    assert (made.challenger, made.challenger_run, made.share) == (first, "run-churn", 0.25)
    assert (made.champion, made.champion_run) == (second, "run-2")
    assert champion(store, "local", "churn") == made
    with pytest.raises(NoChampionError):
        challenge(store, home, "other", "churn", first)


def test_a_rollback_goes_behind_the_promotion_not_behind_the_challenge(scorer, store, home, artifacts):
    first = champion(store, "local", "churn").champion
    deploy(store, home, "local", "churn", artifacts["churn_2"], "run-2")
    challenge(store, home, "local", "churn", first, 0.5)
    assert challenge(store, home, "local", "churn", None).challenger is None
    assert rollback(store, home, "local", "churn").champion == first
    assert [h["action"] for h in history(store, "local", "churn")] == [
        "rollback", "challenge", "challenge", "promote", "promote",
    ]  # fmt: skip


def test_a_challenger_that_is_promoted_challenges_no_more(rivals, store, home, artifacts):
    made = deploy(store, home, "local", "churn", artifacts["churn_2"], "run-rival")
    assert (made.challenger, made.share) == (None, 0.0)


def test_a_challenger_that_cannot_be_loaded_leaves_everybody_to_the_champion(rivals, store, home, people, artifacts):
    digest = load_model(artifacts["churn_2"]).digest
    (home / "models" / "churn" / digest / "booster_0.ubj").write_bytes(b"{}")
    rivals.champions.shelf._models.clear()
    rivals.champions._served.clear()
    assert {p.role for p in rivals.score_people("churn", people)} == {"champion"}
    assert json.dumps(rivals.score_person("churn", people[0]).answer())
