import json
from pathlib import Path

import numpy as np
import pytest

from growthbench.base.errors import ArtifactError, BadInputError, NotReadyError
from growthbench.text import Encoder, MiniLM, minilm, open_encoder, weights
from growthbench.text.minilm_numpy import text_vector, token_states

HERE = Path(__file__).parent
TEXTS = json.loads((HERE / "reference_texts.json").read_text(encoding="utf-8"))
REFERENCE = np.load(HERE / "reference_vectors.npy", allow_pickle=False)


@pytest.fixture(scope="module")
def tensors():
    return weights.find_files().tensors()


def token_ids(encoder, text):
    return np.array(encoder._tokenizer.encode(text).ids)


def test_vectors_are_those_of_sentence_transformers(encoder):
    cosine = (encoder.encode(TEXTS) * REFERENCE).sum(axis=1)
    assert len(cosine) == 50
    assert cosine.min() >= 0.9999
    assert np.abs(encoder.encode(TEXTS) - REFERENCE).max() < 1e-5


def test_the_graph_equals_the_numpy_forward(encoder, tensors):
    some = TEXTS[::3]  # numpy takes a while; all of them are held to sentence-transformers above
    made = encoder.encode(some)
    assert max(np.abs(text_vector(tensors, token_ids(encoder, t)) - v).max() for t, v in zip(some, made)) < 1e-5


def test_token_vectors_equal_the_numpy_forward(encoder, tensors):
    for text, found in zip(TEXTS[:8], encoder.token_vectors(TEXTS[:8])):
        states = token_states(tensors, token_ids(encoder, text))[1:-1]
        states = states / np.linalg.norm(states, axis=1, keepdims=True)
        assert found.vectors.shape == states.shape
        assert np.abs(found.vectors - states).max(initial=0.0) < 1e-5


def test_token_spans_cover_the_words_of_the_text(encoder):
    text = "Zürich's cafés charge 3.50"
    (found,) = encoder.token_vectors([text])
    said = [text[a:b] for a, b in found.spans]
    assert "".join(said) == text.replace(" ", "")
    assert said[0] == "Zürich"
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1.0, atol=1e-6)


def test_a_batch_gives_what_each_text_gives_alone(encoder):
    together = encoder.encode(TEXTS)
    alone = np.vstack([encoder.encode([t]) for t in TEXTS])
    assert np.abs(together - alone).max() < 1e-6


def test_the_same_text_alone_gives_the_same_bits_every_time(encoder):
    assert all((encoder.encode([t]) == encoder.encode([t])).all() for t in TEXTS[:10])


def test_threads_change_no_vector(encoder, encoder_home):
    assert np.array_equal(MiniLM(encoder_home, threads=2).encode(TEXTS), encoder.encode(TEXTS))


def test_like_means_near(encoder):
    a, b, c = encoder.encode(["cancel my subscription", "please end my subscription", "the weather in Oslo"])
    assert a @ b > 0.5 > 0.3 > a @ c


def test_what_comes_after_the_last_token_is_not_read(encoder):
    base = "word " * 300
    assert np.array_equal(encoder.encode([base]), encoder.encode([base + "and something else entirely"]))
    assert encoder.token_counts([base, "hi"]) == [encoder.max_tokens, 3]


def test_no_texts_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, encoder.dims)
    assert encoder.token_vectors([]) == []
    assert encoder.token_vectors([""])[0].vectors.shape == (0, encoder.dims)


def test_what_is_no_text_is_named(encoder):
    with pytest.raises(BadInputError, match=r"texts\[1\] must be a text, found int"):
        encoder.encode(["a", 1])


def test_progress_is_drawn_when_asked_for(encoder, capsys):
    encoder.encode(["a", "b"])
    assert "encode" not in capsys.readouterr().err
    encoder.encode(["a", "b"], progress=True)
    assert "2/2" in capsys.readouterr().err


def test_it_is_an_encoder(encoder):
    assert isinstance(encoder, Encoder)
    assert encoder.digest == weights.VECTORS_DIGEST


def test_a_second_opening_builds_nothing(encoder, encoder_home):
    (graph,) = (encoder_home / "cache" / "encoders").glob("*.onnx")
    before = graph.stat().st_mtime_ns
    MiniLM(encoder_home)
    assert graph.stat().st_mtime_ns == before
    assert not list(graph.parent.glob("*.part"))


def test_a_process_holds_the_weights_once(encoder_home):
    first, second = open_encoder(encoder_home), open_encoder(encoder_home, threads=2)
    assert first._session is second._session
    assert (first.threads, second.threads) == (1, 2)


def test_a_damaged_cache_is_built_again(tmp_path):
    first = MiniLM(tmp_path).encode(["hello there"])
    (graph,) = (tmp_path / "cache" / "encoders").glob("*.onnx")
    graph.write_bytes(graph.read_bytes()[:1000])
    assert np.array_equal(MiniLM(tmp_path).encode(["hello there"]), first)


def test_without_the_wheel_there_is_no_encoder(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_of_weights")
    assert open_encoder(tmp_path) is None
    with pytest.raises(NotReadyError, match="install"):
        MiniLM(tmp_path)


def test_other_weights_are_refused(tmp_path, monkeypatch):
    other = tmp_path / "model"
    other.mkdir()
    (other / "tokenizer.json").write_text("{}")
    monkeypatch.setattr(minilm, "find_files", lambda: weights.ModelFiles(other))
    with pytest.raises(ArtifactError, match="it is another model"):
        MiniLM(tmp_path)


def test_threads_are_counted_from_one(tmp_path):
    with pytest.raises(BadInputError, match="threads must be at least 1"):
        MiniLM(tmp_path, threads=0)
