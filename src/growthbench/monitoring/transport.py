"""A column moved back to an earlier distribution, changing as few and as little as possible."""

import numpy as np


def move_numbers(current: np.ndarray, reference: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Current rows with the reference's distribution, each row keeping its rank (optimal transport on the line).

    Parameters
    ----------
    current : ndarray of float64, shape (n,)
        NaN is missing; it ranks last, so the share of missing values is moved as well.
    reference : ndarray of float64, shape (m,)
    rng : numpy.random.Generator
        Breaks ties.

    Returns
    -------
    ndarray of float64, shape (n,)

    >>> move_numbers(np.array([30.0, 10.0, 20.0]), np.array([1.0, 2.0, 3.0]), np.random.default_rng(0)).tolist()
    [3.0, 1.0, 2.0]
    """
    n, m = len(current), len(reference)
    order = np.lexsort((rng.random(n), current))  # NaN sorts last
    places = ((np.arange(n) + 0.5) / n * m).astype(int)
    moved = np.empty(n)
    moved[order] = np.sort(reference)[places]
    return moved


def move_categories(current: np.ndarray, reference: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Current rows with the reference's shares, as many as possible keeping their value (maximal coupling).

    Parameters
    ----------
    current, reference : ndarray of object, shape (n,) and (m,)
        str or None.

    >>> moved = move_categories(np.array(["a"] * 4, object), np.array(["a", "b"], object), np.random.default_rng(0))
    >>> sorted(moved.tolist())
    ['a', 'a', 'b', 'b']
    """
    n, m = len(current), len(reference)
    values = list(dict.fromkeys([*reference.tolist(), *current.tolist()]))
    number = {value: i for i, value in enumerate(values)}
    now = np.array([number[value] for value in current.tolist()])
    then = np.bincount([number[value] for value in reference.tolist()], minlength=len(values))
    wanted = np.diff(np.rint(np.cumsum(np.r_[0, then]) / m * n)).astype(int)  # whole rows that sum to n
    moved, free = now.copy(), []
    for value, surplus in enumerate(np.bincount(now, minlength=len(values)) - wanted):
        if surplus > 0:
            free.append(rng.permutation(np.flatnonzero(now == value))[:surplus])
    if free:
        places = rng.permutation(np.concatenate(free))
        lacking = np.maximum(wanted - np.bincount(now, minlength=len(values)), 0)
        moved[places] = np.repeat(np.arange(len(values)), lacking)
    return np.array(values, object)[moved]
