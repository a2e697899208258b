"""Risk bands by cost: nothing, a cheap action or a strong one, whichever is cheapest for the probability.

An outcome of probability p costs ``p * loss`` when nothing is done; an action costs its price and saves its effect:
``cost(a) = price_a + p * loss * (1 - effect_a)``. The cheapest action changes where two of these lines cross, so the
thresholds follow from the prices and need no tuning.
"""

import numpy as np

from growthbench.base.errors import SettingsError
from growthbench.learning.params import BandParams
from growthbench.learning.thresholds import Thresholds

ACTIONS = {"low": "nothing", "medium": "contact", "high": "offer"}
"""What is done in each band."""


def thresholds_of(params: BandParams, confidence: float = 0.0) -> Thresholds:
    """Bands that begin where the cheapest action changes; a band that no probability falls into is left out.

    Raises
    ------
    SettingsError
        The strong action does not save more than the cheap one, or nothing is to be lost.

    >>> thresholds_of(BandParams(loss=100, contact_cost=1, contact_effect=0.1, offer_cost=11, offer_effect=0.3)).cuts
    (0.1, 0.5)
    """
    if params.loss <= 0 or params.contact_effect <= 0 or params.offer_effect <= params.contact_effect:
        raise SettingsError(
            f"bands need loss > 0 and 0 < contact_effect < offer_effect, found loss {params.loss:g}, "
            f"effects {params.contact_effect:g} and {params.offer_effect:g}",
            field="bands",
        )
    contact = _crossing(params.contact_cost, params.contact_effect, params)
    offer = _crossing(params.offer_cost, params.offer_effect, params)
    step = _crossing(params.offer_cost - params.contact_cost, params.offer_effect - params.contact_effect, params)
    cuts = {"medium": contact, "high": step} if contact < step else {"high": offer}
    cuts = {name: cut for name, cut in cuts.items() if 0.0 < cut < 1.0}
    return Thresholds(bands=("low", *cuts), cuts=tuple(cuts.values()), confidence=confidence)


def cost_of_rows(outcome: np.ndarray, probability: np.ndarray, params: BandParams) -> np.ndarray:
    """What each row came to cost when acted on by its band, in units of money, shape (n,)."""
    price = {"low": 0.0, "medium": params.contact_cost, "high": params.offer_cost}
    effect = {"low": 0.0, "medium": params.contact_effect, "high": params.offer_effect}
    band = thresholds_of(params).band(probability)
    spent, saved = np.array([price[b] for b in band]), np.array([effect[b] for b in band])
    return spent + outcome * params.loss * (1.0 - saved)


def _crossing(price: float, effect: float, params: BandParams) -> float:
    return price / (params.loss * effect)
