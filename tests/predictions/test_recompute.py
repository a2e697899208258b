import shutil
import threading
import time

import numpy as np
import pyarrow as pa
import pytest
import small_models
import sqlalchemy as sa

from growthbench.base.errors import NotFoundError
from growthbench.base.ids import new_id
from growthbench.events.data import EventData
from growthbench.events.log import EventLog
from growthbench.events.tables import event_values, events, log_heads
from growthbench.predictions.deployments import deploy, model_folder
from growthbench.predictions.recompute import recompute
from growthbench.predictions.scorer import Scorer
from growthbench.predictions.tables import predictions
from growthbench.store.engine import open_store


def as_data(batch) -> EventData:
    """Events as an import brings them: known when they happened, whenever they come."""
    names = ("person", "name", "timestamp", "event_id")
    columns = {n: [getattr(e, n) or new_id("evt") for e in batch] for n in names}
    told = [(i, e.properties["plan"]) for i, e in zip(columns["event_id"], batch) if "plan" in e.properties]
    values = {"event_id": [i for i, _ in told], "key": ["plan"] * len(told), "text_value": [plan for _, plan in told]}
    raw = pa.table(columns | {"received_at": columns["timestamp"]})
    return EventData.from_raw(raw, pa.table(values) if told else None)


class Writers:
    """Threads that append events of the last 40 days to the log of people who are being scored.

    Half of the batches are live, half are imports that claim to have been received long ago: only the horizon hides
    those from predictions made before.
    """

    def __init__(self, url: str, people: int, threads: int = 2):
        self.url, self.people, self.appended = url, people, 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(seed,)) for seed in range(threads)]
        self.errors: list[Exception] = []

    def _write(self, seed: int) -> None:
        rng = np.random.default_rng(seed + 100)
        try:
            with open_store(self.url) as store:
                while not self._stop.is_set():
                    batch = small_models.random_events(rng, 5, 3, int(rng.integers(0, self.people)))
                    log = EventLog(store)
                    imported = rng.random() < 0.5
                    made = log.append_data(as_data(batch)) if imported else log.append(batch)
                    self.appended += made.new
                    time.sleep(0.002)
        except Exception as exc:
            self.errors.append(exc)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert self.errors == []
        assert self.appended > 0


def score_while_writing(url, scorer, people, rounds, each, seed=0):
    """Score random people in small groups while writers append; ids of the predictions."""
    rng = np.random.default_rng(seed)
    ids = []
    with Writers(url, len(people)):
        for _ in range(rounds):
            asked = rng.choice(people, each, replace=False).tolist()
            task = str(rng.choice(["churn", "lead_scoring"]))
            ids += [p.prediction_id for p in scorer.score_people(task, asked)]
    return ids


def test_every_prediction_recomputes_bit_for_bit_while_writers_run(scorer, store_url, store, home, people):
    rows = [{"x": float(x), "kind": k} for x in np.linspace(-2, 2, 7) for k in ("a", "b", None)]
    ids = [p.prediction_id for p in scorer.score_rows("intent", rows)]
    ids += score_while_writing(store_url, scorer, people, rounds=25, each=6)
    with Writers(store_url, len(people)):
        again = recompute(store, home, "local", ids)
    assert len(again) == 25 * 6 + 21
    assert [r for r in again if not r.same] == []


def test_what_was_known_later_does_not_change_a_prediction_but_changes_the_next(scorer, store, home, people):
    first = scorer.score_person("churn", people[0])
    EventLog(store).append(small_models.random_events(np.random.default_rng(5), 1, 200))
    second = scorer.score_person("churn", people[0])
    assert second.horizon > first.horizon
    assert recompute(store, home, "local", first.prediction_id)[0].same
    assert recompute(store, home, "local", second.prediction_id)[0].same
    assert first.score != second.score


def test_a_prediction_of_an_earlier_champion_recomputes_with_that_model(scorer, store, home, people, artifacts):
    before = scorer.score_person("churn", people[0])
    deploy(store, home, "local", "churn", artifacts["churn_2"])
    assert recompute(store, home, "local", before.prediction_id)[0].same


def test_an_altered_log_of_predictions_is_noticed(scorer, store, home, people):
    made = scorer.score_person("churn", people[0])
    with store.writing() as connection:
        connection.execute(sa.update(predictions).values(score=float(np.nextafter(made.score, 1))))
    (again,) = recompute(store, home, "local", made.prediction_id)
    assert not again.same
    assert again.differs == ["score"]


def test_erased_events_a_cut_log_and_a_missing_model_are_each_named(scorer, store, home, people):
    made = scorer.score_person("churn", people[0])
    with store.writing() as connection:
        for table in (events, event_values):
            connection.execute(sa.delete(table).where(table.c.person == people[0]))
    assert "no longer holds events of 'p0'" in recompute(store, home, "local", made.prediction_id)[0].why
    with store.writing() as connection:
        connection.execute(sa.update(log_heads).values(seq=1))
    assert "the log ends at seq 1" in recompute(store, home, "local", made.prediction_id)[0].why
    shutil.rmtree(model_folder(home, "churn", made.model_digest))
    (again,) = recompute(store, home, "local", made.prediction_id)
    assert again.why == f"model {made.model_version} is missing or damaged: not served"
    assert not again.same


def test_an_unknown_prediction_is_not_found(store, home):
    with pytest.raises(NotFoundError):
        recompute(store, home, "local", "pred_0")


@pytest.mark.proof("recompute")
@pytest.mark.parametrize("each", [1, 20])
def test_ten_thousand_predictions_recompute(store, store_url, home, artifacts, figure, each):
    people = small_models.fill(store, people=300, each=60)
    for task in ("churn", "lead_scoring"):
        deploy(store, home, "local", task, artifacts[task])
    scorer = Scorer(store, home)
    ids = score_while_writing(store_url, scorer, people, rounds=5_000 // each, each=each, seed=each)
    begun = time.monotonic()
    with Writers(store_url, len(people)):
        again = recompute(store, home, "local", ids)
    figure("recomputed", len(again), at_least=5_000, unit="predictions")
    figure("differing", sum(not r.same for r in again), at_most=0, unit="predictions")
    figure("recompute_ms", (time.monotonic() - begun) / len(again) * 1e3, unit="ms each")
