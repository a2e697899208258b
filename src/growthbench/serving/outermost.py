"""Our entrance around the whole of BentoML's application, whoever starts it."""

from collections.abc import Callable
from typing import Any


def put_outermost(service: Any, entrance: Callable[[Any], Any]) -> None:
    """Have a service's application made with our entrance as its outermost layer.

    BentoML puts a service's middleware inside its own, of which one gives every request the same time: half of what we
    serve must be refused sooner, and an answer of a language model may take longer. `Service` has no place to hook in
    there, so the object becomes one of a subclass that differs in nothing else.
    """
    plain = type(service)

    class WithEntrance(plain):
        __slots__ = ()

        def to_asgi(self, *args: Any, **kwargs: Any) -> Any:
            return entrance(plain.to_asgi(self, *args, **kwargs))

    service.__class__ = WithEntrance
