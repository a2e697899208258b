"""The ONNX graph of all-MiniLM-L6-v2, written with ``onnx.helper`` from the tensors of its wheel.

The nodes are ONNX Runtime's own fused ones (domain ``com.microsoft``): attention with its mask, a layer norm with its
residual, a GELU with its bias. That is what its optimiser would turn a plain graph into; written down they are there
whatever pattern the optimiser knows today.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from growthbench.text.weights import DIMS, EPSILON, HEADS, LAYERS

if TYPE_CHECKING:
    from onnx import ModelProto

GRAPH_VERSION = "1"
"""Moves with every change of this file that changes the graph: the cache is named by it."""

_FUSED = "com.microsoft"


def build_graph(tensors: Mapping[str, np.ndarray]) -> "ModelProto":
    """The model: ``ids`` and ``mask`` (int32, texts x tokens) in, ``tokens`` (last hidden state) and ``vector`` out."""
    from onnx import TensorProto, helper

    built = _Built(tensors)
    hidden = built.embedded()
    for layer in range(LAYERS):
        hidden = built.layer(layer, hidden)
    built.node("Identity", [hidden], "tokens")
    built.pooled("tokens", "vector")
    ints = [helper.make_tensor_value_info(n, TensorProto.INT32, ["texts", "tokens"]) for n in ("ids", "mask")]
    floats = [
        helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["texts", "tokens", DIMS]),
        helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["texts", DIMS]),
    ]
    graph = helper.make_graph(built.nodes, "all_minilm_l6_v2", ints, floats, built.constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="growthbench")


class _Built:
    """Nodes and constants as they are added."""

    def __init__(self, tensors: Mapping[str, np.ndarray]):
        self.tensors, self.nodes, self.constants = tensors, [], []

    def node(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes) -> str:
        """One node; the name of its output is given back."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray | None = None) -> str:
        """A constant under a name; without a value, the tensor of that name."""
        from onnx import numpy_helper

        value = self.tensors[name] if value is None else value
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def embedded(self) -> str:
        """Word + position + type, normed."""
        positions = self.tensors["embeddings.position_embeddings.weight"]
        types = self.tensors["embeddings.token_type_embeddings.weight"][0]
        self.constant("places", positions + types)  # there is one type of token only: added once, here
        shape = self.node("Shape", ["ids"], "ids_shape", start=1, end=2)
        place = self.node("Slice", ["places", self.constant("zero", np.array([0])), shape, "zero"], "place")
        words = self.node("Gather", [self.constant("embeddings.word_embeddings.weight"), "ids"], "words")
        summed = self.node("Add", [words, place], "summed")
        gain, bias = (self.constant(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias"))
        return self.node("LayerNormalization", [summed, gain, bias], "embedded", axis=-1, epsilon=EPSILON)

    def layer(self, number: int, hidden: str) -> str:
        """One transformer layer."""
        name = f"encoder.layer.{number}"
        attended = self._attention(f"{name}.attention.self", hidden)
        attended = self._matrix(f"{name}.attention.output.dense", attended)
        hidden = self._normed(f"{name}.attention.output", attended, hidden)
        inner = self._matrix(f"{name}.intermediate.dense", hidden)
        bias = self.constant(f"{name}.intermediate.dense.bias")
        inner = self.node("BiasGelu", [inner, bias], f"{name}.gelu", _FUSED)
        return self._normed(f"{name}.output", self._matrix(f"{name}.output.dense", inner), hidden)

    def pooled(self, tokens: str, output: str) -> str:
        """Mean over the tokens that are there, then unit length."""
        from onnx import TensorProto

        last = self.constant("last", np.array([-1]))
        there = self.node("Cast", ["mask"], "there", to=TensorProto.FLOAT)
        there = self.node("Unsqueeze", [there, last], "there_each")
        axes = self.constant("axis_tokens", np.array([1]))
        summed = self.node("ReduceSum", [self.node("Mul", [tokens, there], "kept"), axes], "sums", keepdims=0)
        counted = self.node("ReduceSum", [there, axes], "counts", keepdims=0)
        mean = self.node("Div", [summed, counted], "mean")
        return self.node("LpNormalization", [mean], output, axis=-1, p=2)

    def _attention(self, name: str, hidden: str) -> str:
        parts = ("query", "key", "value")
        weight = np.concatenate([self.tensors[f"{name}.{part}.weight"].T for part in parts], axis=1)
        bias = np.concatenate([self.tensors[f"{name}.{part}.bias"] for part in parts])
        given = [hidden, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias), "mask"]
        return self.node("Attention", given, name, _FUSED, num_heads=HEADS)

    def _matrix(self, name: str, x: str) -> str:
        weight = self.constant(f"{name}.matrix", self.tensors[f"{name}.weight"].T)
        return self.node("MatMul", [x, weight], name)

    def _normed(self, name: str, x: str, residual: str) -> str:
        """Layer norm of x + its bias + the residual."""
        gain, shift = (self.constant(f"{name}.LayerNorm.{part}") for part in ("weight", "bias"))
        given = [x, residual, gain, shift, self.constant(f"{name}.dense.bias")]
        return self.node("SkipLayerNormalization", given, f"{name}.normed", _FUSED, epsilon=EPSILON)
