"""Fit a calibration on out-of-fold margins: Newton's method on two or three numbers, numpy only."""

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.base.statistics import log_losses
from growthbench.learning import portable
from growthbench.learning.calibration import Calibration, probabilities

BINARY, SEVERAL = ("platt", "beta"), ("temperature", "temperature_bias")
_STEPS = 100


def fit_calibration(
    margins: np.ndarray, y: np.ndarray, rng: np.random.Generator, method: str = "auto", folds: int = 5
) -> Calibration:
    """The calibration that fits margins the model gave to rows it was not trained on.

    Parameters
    ----------
    margins : ndarray of float64, shape (n,) or (n, 1) for two classes, (n, k) for more
    y : ndarray of int, shape (n,)
        Class numbers.
    rng : numpy.random.Generator
        Deals the rows into folds when the method is chosen.
    method : {"auto", "platt", "beta", "temperature", "temperature_bias"}
        ``auto`` takes the one with the least cross-validated log loss; the simpler one unless the other is better by
        more than the standard error of the difference.

    Raises
    ------
    BadInputError
        The method does not fit the number of classes, or a class has no row.
    """
    margins = np.asarray(margins, np.float64)
    margins = margins[:, None] if margins.ndim == 1 else margins
    y = np.asarray(y)
    known = BINARY if margins.shape[1] == 1 else SEVERAL
    if method not in ("auto", *known):
        raise BadInputError(f"calibration must be auto or one of {known}, found {method!r}", field="calibration")
    if len(np.unique(y)) < 2:
        raise BadInputError("a calibration needs rows of at least two classes", field="y")
    if method == "auto":
        method = _chosen(margins, y, known, rng, folds)
    return _FITS[method](margins, y)


def fit_platt(margins: np.ndarray, y: np.ndarray) -> Calibration:
    """Platt 1999: logistic regression on the margin, with his smoothed targets; slope >= 0."""
    m = margins[:, 0]
    a, b = _newton(np.stack([m, np.ones_like(m)], axis=1), _targets(y))
    if a < 0.0:
        a, b = 0.0, _newton(np.ones((len(m), 1)), _targets(y))[0]
    return Calibration("platt", (float(a), float(b)))


def fit_beta(margins: np.ndarray, y: np.ndarray) -> Calibration:
    """Kull et al. 2017: logistic regression on ln p and -ln(1 - p); a slope below 0 becomes 0, the rest is refitted."""
    m = margins[:, 0]
    basis = np.stack([-portable.softplus(-m), portable.softplus(m), np.ones_like(m)], axis=1)
    kept = [0, 1, 2]
    while True:
        found = _newton(basis[:, kept], _targets(y))
        negative = [k for k, value in zip(kept, found) if k < 2 and value < 0.0]
        if not negative:
            break
        kept.remove(min(negative, key=lambda k: found[kept.index(k)]))
    a, b, c = (float(found[kept.index(k)]) if k in kept else 0.0 for k in range(3))
    return Calibration("beta", (a, b, c))


def fit_temperature(margins: np.ndarray, y: np.ndarray) -> Calibration:
    """Guo et al. 2017: one factor on all logits, by golden-section search on its logarithm."""

    own, above = margins[np.arange(len(y)), y], margins - margins.max(axis=1, keepdims=True)
    own = own - margins.max(axis=1)

    def loss(log_s: float) -> float:  # plain numpy: it is asked a hundred times, and only the factor is kept
        s = np.exp(log_s)
        return float((np.log(np.exp(s * above).sum(axis=1)) - s * own).mean())

    low, high, golden = np.log(0.01), np.log(100.0), (np.sqrt(5.0) - 1.0) / 2.0
    a, b = high - golden * (high - low), low + golden * (high - low)
    at_a, at_b = loss(a), loss(b)
    while high - low > 1e-5:
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - golden * (high - low)
            at_a = loss(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + golden * (high - low)
            at_b = loss(b)
    return Calibration("temperature", (float(np.exp((low + high) / 2.0)),))


def fit_temperature_bias(margins: np.ndarray, y: np.ndarray, ridge: float = 1.0) -> Calibration:
    """One factor and one bias a class (Alexandari, Kundaje & Shrikumar 2020), biases held small by ``ridge``."""
    k = margins.shape[1]
    s, bias = fit_temperature(margins, y).parameters[0], np.zeros(k)
    hot = np.eye(k)[y]
    for _ in range(_STEPS):
        p = probabilities(s * margins + bias)
        centred = margins - (p * margins).sum(1, keepdims=True)
        gradient = np.r_[((p - hot) * margins).sum(), (p - hot).sum(0) + ridge * bias]
        hessian = np.zeros((k + 1, k + 1))
        hessian[0, 0] = (p * centred * margins).sum()
        hessian[0, 1:] = hessian[1:, 0] = (p * centred).sum(0)
        hessian[1:, 1:] = np.diag(p.sum(0) + ridge) - p.T @ p
        step = np.linalg.solve(hessian + 1e-9 * np.eye(k + 1), gradient)
        s, bias = s - step[0], bias - step[1:]
        if np.abs(step).max() < 1e-9:
            break
    return Calibration("temperature_bias", (float(max(s, 0.0)), *bias.tolist()))


_FITS = {
    "platt": fit_platt,
    "beta": fit_beta,
    "temperature": fit_temperature,
    "temperature_bias": fit_temperature_bias,
}


def _chosen(margins: np.ndarray, y: np.ndarray, known: tuple[str, str], rng: np.random.Generator, folds: int) -> str:
    order = rng.permutation(len(y))
    fold = np.empty(len(y), int)
    fold[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % folds  # stratified
    losses = {method: np.zeros(len(y)) for method in known}
    for held in range(folds):
        inside = fold != held
        if len(np.unique(y[inside])) < 2:
            return known[0]
        for method in known:
            p = _FITS[method](margins[inside], y[inside]).probabilities(margins[~inside])
            losses[method][~inside] = log_losses(y[~inside], p)
    gain = losses[known[0]] - losses[known[1]]
    return known[1] if gain.mean() > gain.std() / np.sqrt(len(gain)) else known[0]


def _targets(y: np.ndarray) -> np.ndarray:
    """Platt's targets (n+ + 1) / (n+ + 2) and 1 / (n- + 2): finite answers even for classes that do not overlap."""
    yes = int((y == 1).sum())
    return np.where(y == 1, (yes + 1.0) / (yes + 2.0), 1.0 / (len(y) - yes + 2.0))


def _newton(basis: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Logistic regression without penalty, by Newton's method with halved steps."""
    w = np.zeros(basis.shape[1])
    loss = _loss(basis @ w, target)
    for _ in range(_STEPS):
        p = portable.sigmoid(basis @ w)
        gradient = basis.T @ (p - target)
        hessian = (basis * (p * (1.0 - p))[:, None]).T @ basis
        step = np.linalg.solve(hessian + 1e-9 * np.eye(len(w)), gradient)
        size = 1.0
        while (found := _loss(basis @ (w - size * step), target)) > loss + 1e-12 and size > 1e-6:
            size /= 2.0
        w, loss = w - size * step, found
        if np.abs(step).max() < 1e-10:
            break
    return w


def _loss(z: np.ndarray, target: np.ndarray) -> float:
    return float((portable.softplus(z) - target * z).mean())
