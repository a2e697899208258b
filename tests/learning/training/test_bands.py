import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from growthbench.base.errors import SettingsError
from growthbench.learning.bands import cost_of_rows, thresholds_of
from growthbench.learning.params import BandParams

price = st.floats(0.5, 100)
share = st.floats(0.02, 0.9)


@given(st.floats(10, 5000), price, share, price, share, st.floats(0, 1))
def test_every_probability_gets_its_cheapest_action(loss, contact, saved, offer, saved_more, p):
    assume(saved_more > saved + 0.01)
    params = BandParams(loss, contact, saved, contact + offer, saved_more)
    costs = {
        "low": p * loss,
        "medium": contact + p * loss * (1 - saved),
        "high": contact + offer + p * loss * (1 - saved_more),
    }
    (chosen,) = thresholds_of(params).band(np.array([p]))
    assert costs[chosen] <= min(costs.values()) + 1e-6 * loss


def test_the_cost_of_a_row_is_price_and_what_is_lost_all_the_same():
    params = BandParams(loss=100, contact_cost=1, contact_effect=0.1, offer_cost=11, offer_effect=0.3)
    cost = cost_of_rows(np.array([1, 1, 1, 0]), np.array([0.05, 0.2, 0.9, 0.9]), params)
    assert cost.tolist() == pytest.approx([100, 91, 81, 11])


def test_prices_that_make_no_bands_are_refused():
    with pytest.raises(SettingsError, match="contact_effect < offer_effect"):
        thresholds_of(BandParams(contact_effect=0.5, offer_effect=0.2))
