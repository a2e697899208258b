import pandas as pd
import pytest

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.predictions import batch as batch_module
from growthbench.predictions.batch import score_all
from growthbench.predictions.deployments import deploy
from growthbench.predictions.recompute import recompute
from growthbench.predictions.scorer import Scorer


class KilledError(Exception):
    pass


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_everybody_in_the_log_is_in_the_file_once_and_in_the_log(scorer, people, tmp_path, name):
    told = []
    result = score_all(scorer, "churn", tmp_path / name, part_people=16, progress=lambda *a: told.append(a))
    table = pd.read_parquet(result.out) if name.endswith("parquet") else pd.read_csv(result.out)
    assert sorted(table["user_id"]) == sorted(people)
    assert result.people == len(people) == scorer.log.count("churn")
    assert told[-1] == ("score churn", len(people), len(people))
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith((".scores", "scores"))] == [name]


def test_batch_scores_are_the_scores_of_single_calls(scorer, people, store, home, tmp_path):
    result = score_all(scorer, "lead_scoring", tmp_path / "scores.parquet", part_people=7)
    table = pd.read_parquet(result.out).set_index("user_id")
    for person in people[::9]:
        single = scorer.score_person("lead_scoring", person, moment=result.moment)
        assert table.loc[person, "score"] == single.score
        assert table.loc[person, "part_blend"] == single.said.parts["blend"]
    assert all(r.same for r in recompute(store, home, "local", list(table["prediction_id"])))


@pytest.mark.parametrize("where", ["_write", "_join"])
def test_a_batch_interrupted_anywhere_and_run_again_equals_one_clean_run(
    scorer, store, home, people, artifacts, tmp_path, monkeypatch, where
):
    out, calls, whole = tmp_path / "scores.parquet", [], getattr(batch_module, where)

    def dies(*args):
        calls.append(args)
        if len(calls) == (3 if where == "_write" else 1):
            raise KilledError
        return whole(*args)

    monkeypatch.setattr(batch_module, where, dies)
    with pytest.raises(KilledError):
        score_all(scorer, "churn", out, part_people=16)
    assert not out.exists()
    monkeypatch.undo()
    deploy(store, home, "local", "churn", artifacts["churn_2"])  # the rest still comes from the model it began with
    EventLog(store).append([Event(person="aaa", name="login", timestamp=now_us() - 10**9)])  # new: shifts nothing
    result = score_all(Scorer(store, home), "churn", out, part_people=16)
    table = pd.read_parquet(out)
    assert sorted(table["user_id"]) == sorted(people)
    assert table["model_version"].nunique() == table["moment"].nunique() == 1
    assert result.resumed >= 32
    assert scorer.log.count("churn") == len(people)
    assert set(scorer.log.ids("churn")) == set(table["prediction_id"])


def test_people_given_are_scored_in_their_order_and_the_unknown_are_counted(scorer, people, tmp_path):
    result = score_all(scorer, "churn", tmp_path / "s.parquet", people=[people[5], "nobody", people[2]], part_people=2)
    assert list(pd.read_parquet(result.out)["user_id"]) == [people[5], people[2]]
    assert (result.people, result.unknown) == (2, 1)


def test_another_kind_of_file_a_table_model_and_parts_of_another_batch_are_refused(scorer, people, tmp_path):
    with pytest.raises(BadInputError, match="are written as"):
        score_all(scorer, "churn", tmp_path / "scores.xlsx")
    with pytest.raises(BadInputError, match="scored by rows"):
        score_all(scorer, "intent", tmp_path / "scores.csv")
    with pytest.raises(BadInputError, match="nobody could be scored"):
        score_all(scorer, "churn", tmp_path / "scores.csv", people=["nobody"])
    with pytest.raises(BadInputError, match="another batch"):
        score_all(scorer, "lead_scoring", tmp_path / "scores.csv")
