"""Our model folder inside MLflow's model format, without a pickle and without a copy of code.

MLflow can load a model through a named module (``loader_module``) from a folder of data: this module. What runs is the
installed growthbench, never code that travelled with the model. (MLflow's other way without pickles, models from code,
would run a script found beside the model.)
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model as MlflowModel
    from mlflow.models import ModelSignature

    from growthbench.learning.model import Model

_REQUIRED = ("growthbench", "numpy", "xgboost")
_FOLDER = "artifact"


class ScoringModel:
    """What ``mlflow.pyfunc.load_model`` gives back: our model behind MLflow's ``predict``."""

    def __init__(self, model: "Model"):
        self.model = model

    def predict(self, data: "pd.DataFrame", params: Mapping[str, Any] | None = None) -> "pd.DataFrame":
        """Scores of rows.

        Parameters
        ----------
        data : DataFrame, shape (n, columns)
            Columns as the signature names them.

        Returns
        -------
        DataFrame, shape (n, outputs)
            Binary: ``score`` (probability of yes); otherwise ``score_<class>`` of every class. Then ``label``,
            ``confidence``, and ``band`` or ``refused`` where the model has them.
        """
        import pandas as pd

        scores = self.model.score({c.name: _values(data[c.name], c.kind) for c in self.model.columns})
        columns = [scores.score] if scores.score.ndim == 1 else list(scores.score.T)
        made = dict(zip(_score_names(self.model), columns))
        made |= {"label": np.array(scores.label, object), "confidence": scores.confidence}
        if self.model.thresholds.bands:
            made["band"] = np.array(scores.band, object)
        if scores.refused is not None:
            made["refused"] = scores.refused
        return pd.DataFrame(made, index=data.index)


def _load_pyfunc(path: str) -> ScoringModel:
    """MLflow's entry; the folder is checked as always (digests, golden rows)."""
    from growthbench.learning.artifact import load_model

    return ScoringModel(load_model(Path(path)))


def save_pyfunc(model: "Model", artifact: Path, target: Path, about: "MlflowModel") -> None:
    """Write an MLflow model folder around an artifact folder.

    Parameters
    ----------
    model : learning.model.Model
        The artifact, loaded.
    artifact : Path
        Its folder; copied to ``target/data/artifact``.
    target : Path
        Must not exist yet; its parent is a scratch folder.
    about : mlflow.models.Model
        Ids that MLflow gave the model.
    """
    import mlflow.pyfunc

    named = target.with_name(_FOLDER)  # MLflow names the data folder after its source
    shutil.copytree(artifact, named)
    mlflow.pyfunc.save_model(
        target,
        loader_module=__name__,
        data_path=str(named),
        mlflow_model=about,
        signature=signature(model),
        pip_requirements=requirements(),
    )


def artifact_beside(artifact: Path, target: Path) -> None:
    """Copy an artifact folder to where `artifact_inside` finds it, without an MLflow model around it."""
    shutil.copytree(artifact, target / "data" / _FOLDER)


def signature(model: "Model") -> "ModelSignature":
    """Inputs (numbers as double with NaN for missing, categories and text as string) and outputs of a model."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    inputs = [ColSpec("double" if c.kind == "number" else "string", c.name) for c in model.columns]
    outputs = [ColSpec("double", name) for name in _score_names(model)]
    outputs += [ColSpec("string", "label"), ColSpec("double", "confidence")]
    if model.thresholds.bands:
        outputs.append(ColSpec("string", "band"))
    if model.kind == "text":
        outputs.append(ColSpec("boolean", "refused"))
    return ModelSignature(Schema(inputs), Schema(outputs))


def requirements() -> list[str]:
    """What loading needs, at the versions that made the model."""
    from growthbench.runs.lineage import installed_packages

    installed = installed_packages()
    return [f"{name}=={installed[name]}" for name in _REQUIRED if name in installed]


def artifact_inside(folder: Path) -> Path:
    """Our artifact folder inside a downloaded MLflow model.

    Raises
    ------
    BadInputError
        The folder is not an MLflow model that we wrote.
    """
    inside = Path(folder) / "data" / _FOLDER
    if not (inside / "manifest.json").is_file():
        raise BadInputError(f"{folder} is not a model that growthbench logged: there is no {inside}", field="run")
    return inside


def _score_names(model: "Model") -> list[str]:
    return ["score"] if len(model.classes) == 2 and model.kind == "binary" else [f"score_{c}" for c in model.classes]


def _values(values: "pd.Series", kind: str) -> Sequence:
    """A column as the model takes it: float64, or str and None."""
    if kind == "number":
        return values.to_numpy(np.float64, na_value=np.nan)
    return values.astype(object).where(values.notna(), None).tolist()
