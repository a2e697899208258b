"""JSON schemas of the types that routes read and answer.

Structs become components. msgspec makes the schema of whatever has no Struct inside; unions of two Structs, which it
reads nowhere and therefore describes nowhere, are written by us.
"""

import inspect
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

Json = dict[str, Any]


class Schemas:
    """Collects components while it describes types.

    Attributes
    ----------
    components : dict of str to dict
        Schemas of the Structs met so far, by name.
    """

    def __init__(self) -> None:
        self.components: dict[str, Json] = {}
        self._names: dict[type, str] = {}

    def of(self, kind: Any) -> Json:
        """Schema of a type, Structs by reference."""
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            found = [{"type": "null"} if t is NoneType else self.of(t) for t in inner if t is not msgspec.UnsetType]
            return {"anyOf": found} if len(found) > 1 else found[0]
        if inspect.isclass(kind) and issubclass(kind, msgspec.Struct):
            return {"$ref": f"#/components/schemas/{self._named(kind)}"}
        if origin in (list, Sequence) or (origin is tuple and inner[1:] == (...,)):
            return {"type": "array", "items": self.of(inner[0])}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])} if inner[1] is not Any else _OBJECT
        return msgspec.json.schema(kind)

    def _named(self, kind: type[msgspec.Struct]) -> str:
        if (name := self._names.get(kind)) is not None:
            return name
        name = kind.__name__.lstrip("_")
        if name in self.components:
            name = f"{name}_{kind.__module__.rsplit('.', 1)[-1]}"
        self._names[kind] = name
        self.components[name] = {}  # its place, in case it refers to itself
        self.components[name] |= self._struct(kind)
        return name

    def _struct(self, kind: type[msgspec.Struct]) -> Json:
        fields = msgspec.structs.fields(kind)
        told: Json = {"title": kind.__name__.lstrip("_"), "type": "object"}
        if kind.__doc__:
            told["description"] = inspect.cleandoc(kind.__doc__).split("\n\n")[0].replace("``", "`")
        told["properties"] = {f.encode_name: self._field(f) for f in fields}
        if required := [f.encode_name for f in fields if f.required]:
            told["required"] = required
        if kind.__struct_config__.forbid_unknown_fields:
            told["additionalProperties"] = False
        return told

    def _field(self, field: Any) -> Json:
        told = self.of(field.type)
        if field.default is not msgspec.NODEFAULT and isinstance(field.default, str | int | float | bool):
            told = {**told, "default": field.default}
        return told


_OBJECT: Json = {"type": "object"}
