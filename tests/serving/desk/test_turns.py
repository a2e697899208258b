import pytest

from growthbench.base.errors import LimitError
from growthbench.serving.desk.client import DeskAwayError
from growthbench.serving.desk.turns import Turns


def test_one_tenant_has_half_of_the_places_and_nobody_more_than_there_are():
    turns = Turns(4)
    for _ in range(2):
        turns.take("a")
    with pytest.raises(LimitError, match="2 requests of this kind"):
        turns.take("a")
    for tenant in ("b", "c"):
        turns.take(tenant)
    with pytest.raises(DeskAwayError, match="too much to do"):
        turns.take("d")
    turns.give_back("a")
    with turns.taken("d"):
        assert turns.busy == 4
    for tenant in ("a", "b", "c"):
        turns.give_back(tenant)
    assert turns.busy == 0
