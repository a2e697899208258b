"""Which web pages may call the Door from a browser."""

from collections.abc import Iterable, Mapping, Sequence

from growthbench.serving.http import Route

Headers = list[tuple[bytes, bytes]]


class Cors:
    """Origins that are let in.

    Parameters
    ----------
    origins : sequence of str
        ``*``: any page may call the routes meant for browsers (`Route.cors`: a page's own key may only send events, so
        it is public); the default. Named origins: these may call every route, and others none.
    """

    def __init__(self, origins: Sequence[str] = ("*",)):
        self._any = "*" in origins
        self._named = frozenset(o.encode("latin-1") for o in origins if o != "*")

    def headers(self, origin: bytes, routes: Iterable[Route]) -> Headers:
        """What an answer tells the browser; nothing for an origin that is not let in."""
        if origin in self._named:
            return [(b"access-control-allow-origin", origin), (b"vary", b"origin"), _EXPOSED]
        if self._any and any(route.cors for route in routes):
            return [(b"access-control-allow-origin", b"*"), _EXPOSED]
        return []

    def preflight(self, origin: bytes, methods: Mapping[str, Route], asked_headers: bytes) -> Headers:
        """What the answer to a browser's question beforehand tells it."""
        given = self.headers(origin, methods.values())
        if not given:
            return []
        return [
            *given,
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode()),
            (b"access-control-allow-headers", asked_headers or b"authorization, content-type"),
            (b"access-control-max-age", b"86400"),
        ]


_EXPOSED = (b"access-control-expose-headers", b"x-request-id, retry-after, ratelimit, ratelimit-policy")
