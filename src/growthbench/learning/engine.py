"""Boosted trees run through XGBoost's C interface, without its Python package.

``import xgboost`` brings pandas and scikit-learn along (200 MB, 2 s); the service needs neither. The shared library
is found beside the installed package and called by ctypes. One thread and one function for every request size: a
row's margin never depends on its batch. Functions used: https://xgboost.readthedocs.io/en/stable/c.html (3.x).
"""

import ctypes
import importlib.util
import json
import sys
import threading
from functools import cache
from pathlib import Path

import numpy as np

from growthbench.base.errors import ArtifactError

_MARGIN, _CONTRIBUTIONS = 1, 2
_BLOCK = 5
"""From so many rows on XGBoost walks them through each tree together, which is faster than two alone."""
_U64, _HANDLE = ctypes.c_uint64, ctypes.c_void_p


class Booster:
    """One trained booster, read from UBJSON; all its trees are used.

    Parameters
    ----------
    raw : bytes
        What ``xgboost.Booster.save_raw("ubj")`` gave.

    Raises
    ------
    ArtifactError
        The bytes are no such model, or the library is missing.
    """

    def __init__(self, raw: bytes):
        if not raw.startswith(b"{"):
            raise ArtifactError("the booster is not UBJSON: make it with save_raw('ubj')")
        self._lib = library()
        self._handle = _HANDLE()
        _check(self._lib, self._lib.XGBoosterCreate(None, _U64(0), ctypes.byref(self._handle)))
        buffer = ctypes.create_string_buffer(raw, len(raw))
        self._call("XGBoosterLoadModelFromBuffer", buffer, _U64(len(raw)))
        self._call("XGBoosterSetParam", b"nthread", b"1")
        features = _U64()
        self._call("XGBoosterGetNumFeature", ctypes.byref(features))
        self.n_features = features.value
        self._margin_config = _config(_MARGIN)
        self._contribution_config = _config(_CONTRIBUTIONS)
        self._lock = threading.Lock()

    def margins(self, matrix: np.ndarray) -> np.ndarray:
        """Log-odds (or one logit a class) of each row.

        Parameters
        ----------
        matrix : ndarray of float32, shape (n, d), C order
            NaN is missing; categories are their codes.

        Returns
        -------
        ndarray of float64, shape (n, k)
            k = 1 for a binary model.
        """
        self._check_matrix(matrix)
        if len(matrix) == 0:
            matrix = np.zeros((1, self.n_features), np.float32)
            return self.margins(matrix)[:0]
        n = len(matrix)
        if 1 < n < _BLOCK:
            matrix = np.concatenate([matrix, np.zeros((_BLOCK - n, self.n_features), np.float32)])
        shape, dim, out = _outputs()
        self._call(
            "XGBoosterPredictFromDense",
            _interface(matrix),
            self._margin_config,
            _proxy(),
            ctypes.byref(shape),
            ctypes.byref(dim),
            ctypes.byref(out),
        )
        return _copied(shape, dim, out).reshape(len(matrix), -1)[:n]

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """SHAP values of each column and, last, the bias; they sum to the margin.

        Returns
        -------
        ndarray of float64, shape (n, k, d + 1)
        """
        self._check_matrix(matrix)
        shape, dim, out = _outputs()
        rows = _HANDLE()
        with self._lock:  # unlike prediction from dense arrays this is not thread-safe
            made = self._lib.XGDMatrixCreateFromDense(
                _interface(matrix), b'{"missing": NaN, "nthread": 1}', ctypes.byref(rows)
            )
            _check(self._lib, made)
            try:
                self._call(
                    "XGBoosterPredictFromDMatrix",
                    rows,
                    self._contribution_config,
                    ctypes.byref(shape),
                    ctypes.byref(dim),
                    ctypes.byref(out),
                )
                return _copied(shape, dim, out).reshape(len(matrix), -1, self.n_features + 1)
            finally:
                self._lib.XGDMatrixFree(rows)

    def _call(self, name: str, *args) -> None:
        _check(self._lib, getattr(self._lib, name)(self._handle, *args))

    def _check_matrix(self, matrix: np.ndarray) -> None:
        if matrix.dtype != np.float32 or not matrix.flags.c_contiguous or matrix.ndim != 2:
            raise ArtifactError(f"the engine takes C-ordered float32 rows, found {matrix.dtype} {matrix.shape}")
        if matrix.shape[1] != self.n_features:
            raise ArtifactError(f"the booster has {self.n_features} columns, the encoder gives {matrix.shape[1]}")

    def __del__(self):
        handle = getattr(self, "_handle", None)
        if handle:
            self._lib.XGBoosterFree(handle)


class _Proxy:
    """What the library hangs a matrix on while it predicts. One a thread, kept: making one reads the machine's limits
    from files, a third of the time of a single row."""

    def __init__(self):
        self._lib, self.handle = library(), _HANDLE()
        _check(self._lib, self._lib.XGProxyDMatrixCreate(ctypes.byref(self.handle)))

    def __del__(self):
        if self.handle:
            self._lib.XGDMatrixFree(self.handle)


_own = threading.local()


def _proxy() -> ctypes.c_void_p:
    found = getattr(_own, "proxy", None)
    if found is None:
        found = _own.proxy = _Proxy()
    return found.handle


@cache
def library() -> ctypes.CDLL:
    """XGBoost's shared library, loaded once.

    Raises
    ------
    ArtifactError
        It is not installed or cannot be loaded.
    """
    path = _library_path()
    try:
        lib = ctypes.CDLL(str(path))
        lib.XGBGetLastError.restype = ctypes.c_char_p
    except (OSError, AttributeError) as exc:
        raise ArtifactError(f"cannot load XGBoost's library {path}: {exc}") from exc
    lib.XGBoosterFree.argtypes = lib.XGDMatrixFree.argtypes = [_HANDLE]
    return lib


def library_version() -> str:
    """Version of the shared library, such as ``3.2.0``."""
    parts = [ctypes.c_int() for _ in range(3)]
    library().XGBoostVersion(*(ctypes.byref(p) for p in parts))
    return ".".join(str(p.value) for p in parts)


def _library_path() -> Path:
    spec = importlib.util.find_spec("xgboost")
    if spec is None or not spec.submodule_search_locations:
        raise ArtifactError("xgboost is not installed: boosted models cannot be run")
    name = {"win32": "xgboost.dll", "darwin": "libxgboost.dylib"}.get(sys.platform, "libxgboost.so")
    package = Path(next(iter(spec.submodule_search_locations)))
    for folder in (package / "lib", package.parents[3] / "lib", Path(sys.prefix) / "lib"):
        if (folder / name).is_file():
            return folder / name
    raise ArtifactError(f"{name} is not in {package / 'lib'}: reinstall xgboost")


def _check(lib: ctypes.CDLL, status: int) -> None:
    if status != 0:
        message = lib.XGBGetLastError().decode(errors="replace").strip().splitlines()
        raise ArtifactError(f"XGBoost refused: {message[0] if message else 'no reason given'}")


def _config(kind: int) -> bytes:
    # NaN is written as Python's json writes it, which is how XGBoost reads it.
    return json.dumps(
        {
            "type": kind,
            "iteration_begin": 0,
            "iteration_end": 0,
            "strict_shape": True,
            "missing": float("nan"),
            "cache_id": 0,
            "training": False,
        }
    ).encode()


def _interface(matrix: np.ndarray) -> bytes:
    rows, columns = matrix.shape
    address = matrix.__array_interface__["data"][0]
    return b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (address, rows, columns)


def _outputs():
    return ctypes.POINTER(_U64)(), _U64(), ctypes.POINTER(ctypes.c_float)()


def _copied(shape, dim, out) -> np.ndarray:
    """A float64 copy of the library's own buffer, which the next call would overwrite."""
    size = 1
    for i in range(dim.value):
        size *= shape[i]
    address = ctypes.cast(out, ctypes.c_void_p).value
    return np.frombuffer((ctypes.c_float * size).from_address(address), np.float32).astype(np.float64)
