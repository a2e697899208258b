"""The sealed folder a model lives in: plain files, each with its digest in the manifest, and nothing else.

No pickles and no code: only JSON, UBJSON, ``.npy`` without objects, and one Markdown card, which is prose and outside
the seal. The digest of the model is the digest of its manifest, which names the digest of every other file.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical

FORMAT = "growthbench-artifact/1"
MANIFEST, CARD = "manifest.json", "card.md"
_NAME = re.compile(r"[a-z0-9_]+\.(json|ubj|npy)")


def write_sealed(folder: str | os.PathLike, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
    """Write files and their manifest; the folder appears whole or not at all.

    Parameters
    ----------
    folder : path
        Made; an artifact already there is replaced, anything else is refused.
    manifest : mapping
        Without ``format`` and ``files``, which are added.
    files : mapping of str to bytes
    """
    folder = Path(folder)
    _refuse_foreign(folder)
    sealed = {"format": FORMAT} | dict(manifest) | {"files": {n: digest(files[n]) for n in sorted(files)}}
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, content in files.items():
        if not _NAME.fullmatch(name):
            raise BadInputError(f"a model folder takes no file {name!r}", field="files")
        (part / name).write_bytes(content)
    (part / MANIFEST).write_bytes(to_bytes(sealed))
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    return folder


def read_sealed(folder: str | os.PathLike) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Manifest and verified contents of every file.

    Raises
    ------
    ArtifactError
        No artifact, another format, a file absent, altered, added, or of a kind that could carry code.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    named = manifest.get("files")
    if not isinstance(named, dict):
        raise ArtifactError(f"{folder / MANIFEST} names no files")
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or path.name not in (*named, MANIFEST, CARD):
            raise ArtifactError(f"{folder} holds {path.name}, which its manifest does not name: it is not loaded")
    return manifest, {name: _verified(folder, name, expected) for name, expected in named.items()}


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """Content digest of a model: that of its manifest, and so of every file but the card."""
    return digest(canonical(manifest))


def to_bytes(value: Any) -> bytes:
    """JSON as the folder keeps it: floats exact, NaN refused."""
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def from_bytes(files: Mapping[str, bytes], name: str) -> Any:
    """JSON of a file that must be there."""
    try:
        return json.loads(files[name])
    except KeyError as exc:
        raise ArtifactError(f"the model folder has no {name}") from exc
    except ValueError as exc:
        raise ArtifactError(f"{name} is not JSON: {exc}") from exc


def array_to_bytes(array: np.ndarray) -> bytes:
    """An array as ``.npy``, without pickles."""
    buffer = BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def array_from_bytes(files: Mapping[str, bytes], name: str) -> np.ndarray:
    """Array of a ``.npy`` file that must be there; objects are refused."""
    try:
        return np.load(BytesIO(files[name]), allow_pickle=False)
    except KeyError as exc:
        raise ArtifactError(f"the model folder has no {name}") from exc
    except (ValueError, EOFError, OSError) as exc:
        raise ArtifactError(f"{name} is not a plain array: {exc}") from exc


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ArtifactError(f"{folder} is no model folder: cannot read {MANIFEST} ({exc.strerror})") from exc
    except ValueError as exc:
        raise ArtifactError(f"{path} is not JSON: {exc}") from exc
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise ArtifactError(f"{path} has format {found!r}; this version reads {FORMAT!r}")
    return manifest


def _verified(folder: Path, name: str, expected: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ArtifactError(f"{folder} names the file {name!r}: such files are not loaded")
    try:
        content = (folder / name).read_bytes()
    except OSError as exc:
        raise ArtifactError(f"{folder} lacks {name}, which its manifest names ({exc.strerror})") from exc
    if digest(content) != expected:
        raise ArtifactError(f"{folder / name} was altered: its digest is not the one in {MANIFEST}")
    return content


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file():
        raise BadInputError(f"{folder} exists and is no model folder: give another one", field="folder")
