"""Deployment settings, read from the environment at the rim, and the switches that keep every package quiet."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from growthbench.base.errors import SettingsError

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",  # must be this word: BentoML ignores "1"
    "RAGAS_DO_NOT_TRACK": "true",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def be_quiet() -> None:
    """Switch the telemetry of every package off, unless the environment already decided."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def find_home(start: Path | None = None) -> Path:
    """``GROWTHBENCH_HOME``; else the nearest parent with ``.growthbench/`` or our ``dvc.yaml``; else here.

    The answer always ends in the folder that holds store, models and tracking; it need not exist yet.
    """
    if named := os.environ.get("GROWTHBENCH_HOME"):
        return Path(named).expanduser().resolve()
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / ".growthbench").is_dir() or _is_ours(folder / "dvc.yaml"):
            return folder / ".growthbench"
    return start / ".growthbench"


def _is_ours(dvc_yaml: Path) -> bool:
    return dvc_yaml.is_file() and "pipelines/" in dvc_yaml.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Settings:
    """Where one installation keeps its things.

    Attributes
    ----------
    home : Path
        Folder of the store, the lake, served models and tracking (``GROWTHBENCH_HOME``).
    database_url : str
        SQLAlchemy URL of the operational store (``GROWTHBENCH_DATABASE_URL``); default SQLite in ``home``.
    tracking_url : str
        MLflow tracking URL (``GROWTHBENCH_TRACKING_URL``); default SQLite in ``home``.
    data_home : Path
        Folder where public data sets are looked for and kept (``GROWTHBENCH_DATA_HOME``).
    tenant : str
        Tenant of the notebook and the command line (``GROWTHBENCH_TENANT``); default ``local``.
    redis_url : str or None
        Redis for limits, the live channel and the intake stream (``GROWTHBENCH_REDIS_URL``); default none: the store.
    """

    home: Path
    database_url: str
    tracking_url: str
    data_home: Path
    tenant: str = "local"
    redis_url: str | None = None

    @classmethod
    def read(cls, home: str | os.PathLike | None = None) -> "Settings":
        """Settings from the environment; ``home`` overrides ``GROWTHBENCH_HOME``."""
        folder = Path(home).expanduser().resolve() if home else find_home()
        database_url = os.environ.get("GROWTHBENCH_DATABASE_URL") or f"sqlite:///{folder / 'growthbench.db'}"
        return cls(
            home=folder,
            database_url=_checked_url(database_url),
            tracking_url=os.environ.get("GROWTHBENCH_TRACKING_URL") or f"sqlite:///{folder / 'mlflow.db'}",
            data_home=Path(os.environ.get("GROWTHBENCH_DATA_HOME") or folder / "datasets").expanduser(),
            tenant=os.environ.get("GROWTHBENCH_TENANT", "local"),
            redis_url=_checked_redis(os.environ.get("GROWTHBENCH_REDIS_URL")),
        )


def _checked_url(url: str) -> str:
    scheme = urlsplit(url).scheme
    if scheme == "postgres":
        url, scheme = url.replace("postgres:", "postgresql:", 1), "postgresql"
    if scheme == "postgresql":
        url = url.replace("postgresql:", "postgresql+psycopg:", 1)
    elif scheme not in ("sqlite", "postgresql+psycopg"):
        raise SettingsError(
            f"GROWTHBENCH_DATABASE_URL must be sqlite:///PATH or postgresql://..., found scheme {scheme!r}",
            field="GROWTHBENCH_DATABASE_URL",
        )
    return url


def _checked_redis(url: str | None) -> str | None:
    if url and urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise SettingsError(
            f"GROWTHBENCH_REDIS_URL must be redis://HOST:PORT/N, found scheme {urlsplit(url).scheme!r}",
            field="GROWTHBENCH_REDIS_URL",
        )
    return url or None
