"""The one table of routes and sockets."""

from growthbench.serving import (
    routes_desk,
    routes_ingest,
    routes_people,
    routes_privacy,
    routes_scores,
    routes_sdk,
    routes_service,
    routes_tenants,
)
from growthbench.serving.http import Route
from growthbench.serving.live import realtime
from growthbench.serving.state import State

_CHAPTERS = (
    routes_scores,
    routes_ingest,
    routes_people,
    routes_privacy,
    routes_tenants,
    routes_desk,
    routes_service,
    routes_sdk,
)


def all_routes(state: State) -> list[Route]:
    """Every route of the Door, in the order of the documentation."""
    return [route for chapter in _CHAPTERS for route in chapter.routes(state)]


def all_sockets() -> dict:
    """WebSocket handlers by path."""
    return {"/ws/realtime": realtime}
