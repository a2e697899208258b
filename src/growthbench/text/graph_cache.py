"""The compiled graph's file: built once for a home, named by what it was built from, checked at every load."""

import os
from pathlib import Path

from growthbench.base.errors import GrowthbenchError
from growthbench.base.ids import digest, file_digest
from growthbench.text.graph import GRAPH_VERSION, build_graph
from growthbench.text.weights import WEIGHTS_SHA256, ModelFiles


def cached_graph(files: ModelFiles, home: str | os.PathLike) -> Path:
    """Path of the ONNX file under ``home/cache/encoders``; built if it is absent or not what was written.

    Several processes may build at once: each writes a file of its own name and moves it over, and all of them have
    the same bytes.
    """
    name = digest(WEIGHTS_SHA256, GRAPH_VERSION)[:16]
    path = Path(home) / "cache" / "encoders" / f"minilm-{name}.onnx"
    seal = path.with_suffix(".sha256")
    if not _sealed(path, seal):
        path.parent.mkdir(parents=True, exist_ok=True)
        _move_in(path, build_graph(files.tensors()).SerializeToString(deterministic=True))
        _move_in(seal, file_digest(path).encode())
    if not _sealed(path, seal):
        raise GrowthbenchError(f"the encoder's graph could not be written to {path.parent}: is the disk full?")
    return path


def _sealed(path: Path, seal: Path) -> bool:
    try:
        return seal.read_text(encoding="ascii") == file_digest(path)
    except (OSError, UnicodeDecodeError):
        return False


def _move_in(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)
