import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from growthbench.base.errors import UnknownNameError
from growthbench.events.data import EventData
from growthbench.events.lake import Lake
from growthbench.learning.params import load_params
from growthbench.learning.tasks import get_task
from growthbench.worlds.generate import generate
from growthbench.worlds.truth import observable, truth
from tests.worlds.conftest import PARAMS, SHOP_CHURN

CASES = (("b2b", "lead_scoring"), ("b2b", "churn"), ("shop", "churn"))
PEOPLE = 2500


@pytest.fixture(scope="module", params=CASES, ids=lambda c: ":".join(c))
def case(request, tmp_path_factory):
    world_name, task_name = request.param
    world = generate(world_name, PEOPLE, seed=11)
    lake = Lake(tmp_path_factory.mktemp("truth"), "world").write(world.data)
    params = load_params(PARAMS, task_name, SHOP_CHURN if world_name == "shop" else {})
    spine = get_task(task_name).spine(lake, params)
    return world, task_name, spine, params.window_days


def test_probabilities_of_the_truth_come_true(case):
    """In each fifth of the observable probability the outcomes are as many as it says (5 standard errors)."""
    world, task, spine, window = case
    known, label = truth(world, task, spine, window), spine["label"].to_numpy()
    for p in (known.observable, known.latent):
        fifth = np.argsort(np.argsort(p, kind="stable")) * 5 // len(p)
        for k in range(5):
            said, came = p[fifth == k], label[fifth == k]
            # Rows of one person share their fate, so the error is taken over persons.
            persons = spine["person"].to_numpy(zero_copy_only=False)[fifth == k]
            _, who = np.unique(persons, return_inverse=True)
            off = np.bincount(who, weights=came - said)
            assert abs(off.sum()) <= 5 * np.sqrt((off**2).sum()) + 1e-9, (k, said.mean(), came.mean())


def test_the_observable_truth_reads_nothing_that_came_later(case):
    world, task, spine, window = case
    rows = spine.take(pa.array(np.random.default_rng(0).choice(spine.num_rows, 20, replace=False)))
    full = observable(world.spec, world.data, task, rows, window)
    for i, p in enumerate(full):
        moment = rows["moment"][i].as_py()
        seen = pc.and_(
            pc.less_equal(world.data.events["received_at"], moment), pc.less(world.data.events["timestamp"], moment)
        )
        values = world.data.values
        known = pc.and_(pc.less_equal(values["received_at"], moment), pc.less(values["timestamp"], moment))
        cut = EventData(world.data.events.filter(seen), values.filter(known))
        assert observable(world.spec, cut, task, rows.slice(i, 1), window)[0] == pytest.approx(p, rel=1e-9)


def test_posteriors_are_distributions(case):
    world, task, spine, window = case
    known = truth(world, task, spine.slice(0, 200), window)
    assert np.allclose(known.posterior.sum(axis=1), 1)
    assert ((known.observable > 0) & (known.observable < 1)).all()


def test_a_task_without_a_truth_is_named():
    world = generate("shop", 50, 0)
    with pytest.raises(UnknownNameError, match="churn"):
        truth(world, "lead_scoring", pa.table({"person": ["x"], "moment": [0]}), 30)
