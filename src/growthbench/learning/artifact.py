"""A trained model as a folder: saved once, loaded everywhere, checked bit for bit.

::

    manifest.json      format, task, kind, classes, members, source, params, hashes, digests of all files below
    booster_0.ubj ...  XGBoost, UBJSON              linear_0.json   one term a column
    encoder.json       columns and categories       calibration.json, thresholds.json
    blend.json         parts beside the score       plan.json       how features come from the log
    golden.json        a few rows without ids, with margins and scores as hexadecimal floats
    card.md            prose, outside the seal

The manifest holds no time and no run: the same training gives the same digest. Loading needs numpy and XGBoost's
shared library only.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.base.jsonio import write_text
from growthbench.learning.blend import Blend
from growthbench.learning.calibration import Calibration
from growthbench.learning.configuration import PROGRAM, Configuration, load_configuration
from growthbench.learning.encoder import Encoder
from growthbench.learning.engine import Booster
from growthbench.learning.folder import CARD, from_bytes, manifest_digest, read_sealed, to_bytes, write_sealed
from growthbench.learning.golden import GOLDEN, check_golden, golden_rows
from growthbench.learning.linear import LinearPart
from growthbench.learning.model import Model, Scores, classes_of
from growthbench.learning.table_model import Member, TableModel
from growthbench.learning.thresholds import Thresholds

__all__ = ["Configuration", "Member", "Model", "Scores", "load_artifact", "load_model", "save_artifact"]

_TABLE_KINDS = ("binary", "multiclass")
_PLAN = "plan.json"


def save_artifact(
    folder: str | os.PathLike,
    *,
    task: str,
    kind: str,
    classes: Sequence[str],
    members: Sequence[tuple[bytes | LinearPart, float]],
    encoder: Encoder,
    calibration: Calibration,
    golden: Mapping[str, Sequence],
    thresholds: Thresholds | None = None,
    blend: Blend | None = None,
    plan_json: str | None = None,
    feature_hash: str = "",
    data_hash: str = "",
    source: str = "",
    params: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> Model:
    """Write the folder of a table model, load it again and return it.

    Parameters
    ----------
    folder : path
        An artifact already there is replaced.
    task, kind : str
        Kind ``binary`` or ``multiclass``.
    classes : sequence of str
        ``("no", "yes")`` for a binary task.
    members : sequence of (bytes or LinearPart, float)
        Boosters as ``save_raw("ubj")`` gives them (cut to the best iteration: all trees are used) and linear parts,
        each with its weight in the sum of margins.
    encoder, calibration, thresholds, blend
        What turns values into a row, margins into probabilities, probabilities into decisions.
    golden : mapping of str to sequence
        A few rows (1-64), by column, without ids.
    plan_json : str, optional
        JSON text of ``features.Plan.to_json()``, for features of the log.
    feature_hash, data_hash, source, params
        Told in the manifest. Params are flat and plain.
    card : str, optional
        Markdown; may be written later (`write_card`), it is outside the seal.

    Raises
    ------
    BadInputError
        The parts do not fit each other, or the folder holds something else.
    """
    if kind not in _TABLE_KINDS:
        raise BadInputError(f"kind must be one of {_TABLE_KINDS}, found {kind!r}", field="kind")
    described, files = _member_files(members)
    manifest = {
        "task": task,
        "kind": kind,
        "classes": list(classes),
        "members": described,
        "source": source,
        "feature_hash": feature_hash,
        "data_hash": data_hash,
        "params": dict(params or {}),
    }
    files |= {
        "encoder.json": to_bytes(encoder.to_json()),
        "calibration.json": to_bytes(calibration.to_json()),
        "thresholds.json": to_bytes((thresholds or Thresholds()).to_json()),
    }
    if blend is not None:
        files["blend.json"] = to_bytes(blend.to_json())
    if plan_json is not None:
        files[_PLAN] = plan_json.encode()
    return seal(folder, manifest, files, golden, card)


def seal(
    folder: str | os.PathLike,
    manifest: Mapping[str, Any],
    files: dict[str, bytes],
    golden: Mapping[str, Sequence],
    card: str | None = None,
) -> Model:
    """Add the golden rows to a model's files, write the folder, and load it with every check."""
    unsealed = _assemble(dict(manifest) | {"files": {}}, files)
    files = files | {GOLDEN: to_bytes(golden_rows(unsealed, golden))}
    folder = write_sealed(folder, manifest, files)
    if card is not None:
        write_card(folder, card)
    return load_model(folder)


def write_card(folder: str | os.PathLike, card: str) -> None:
    """Write or replace the model card; the digest stays what it is."""
    write_text(card, Path(folder) / CARD)


def load_artifact(folder: str | os.PathLike) -> Model | Configuration:
    """What an artifact folder holds: a model, as `load_model` loads it, or the configuration of a program."""
    if read_sealed(folder)[0].get("kind") == PROGRAM:
        return load_configuration(folder)
    return load_model(folder)


def load_model(folder: str | os.PathLike) -> Model:
    """Load a model folder, trusting nothing in it.

    Raises
    ------
    ArtifactError
        Another format, a file altered, absent or added.
    GoldenRowsError
        A golden row does not get its score, bit for bit, on this machine.
    """
    manifest, files = read_sealed(folder)
    model = _assemble(manifest, files)
    check_golden(model, from_bytes(files, GOLDEN))
    return model


def artifact_digest(folder: str | os.PathLike) -> str:
    """`Model.digest` of a folder, its files verified, without loading the model."""
    return manifest_digest(read_sealed(folder)[0])


def _assemble(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Model:
    classes_of(manifest)
    if manifest.get("kind") == "text" and "encoder" in manifest:
        from growthbench.learning.intent_model import intent_model

        return intent_model(manifest, files)
    if manifest.get("kind") == "text":
        from growthbench.learning.text_model import text_model

        return text_model(manifest, files)
    if manifest.get("kind") not in _TABLE_KINDS:
        raise ArtifactError(f"the manifest has kind {manifest.get('kind')!r}; known are binary, multiclass, text")
    return TableModel(
        manifest,
        members=_members(manifest, files),
        encoder=Encoder.from_json(from_bytes(files, "encoder.json")),
        calibration=Calibration.from_json(from_bytes(files, "calibration.json")),
        thresholds=Thresholds.from_json(from_bytes(files, "thresholds.json")),
        blend=Blend.from_json(from_bytes(files, "blend.json")) if "blend.json" in files else None,
        plan_json=files[_PLAN].decode() if _PLAN in files else None,
    )


def _member_files(members: Sequence[tuple[bytes | LinearPart, float]]) -> tuple[list[dict], dict[str, bytes]]:
    described, files = [], {}
    for i, (part, weight) in enumerate(members):
        linear = isinstance(part, LinearPart)
        name = f"linear_{i}.json" if linear else f"booster_{i}.ubj"
        described.append({"kind": "linear" if linear else "booster", "file": name, "weight": float(weight)})
        files[name] = to_bytes(part.to_json()) if linear else bytes(part)
    return described, files


def _members(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> list[Member]:
    made = []
    for described in manifest.get("members") or []:
        try:
            kind, name, weight = described["kind"], described["file"], float(described["weight"])
            raw = files[name]
        except (KeyError, TypeError, ValueError) as exc:
            raise ArtifactError(f"the manifest describes no member: {described!r}") from exc
        if kind not in ("linear", "booster"):
            raise ArtifactError(f"unknown kind of member {kind!r}")
        made.append(Member(LinearPart.from_json(from_bytes(files, name)) if kind == "linear" else Booster(raw), weight))
    return made
