"""Starts what tells the outside: the bus, the watch over scores, the webhooks."""

from typing import TYPE_CHECKING

from growthbench.serving.webhook_dispatch import Dispatcher
from growthbench.serving.webhooks import Webhooks

if TYPE_CHECKING:
    from growthbench.serving.state import State


def start_messengers(state: "State") -> Dispatcher:
    """Start them, and have them stopped with the state: before the group commit, which they write to."""
    dispatcher = Dispatcher(state, Webhooks(state.store, state.keyring, state.bus))
    state.bus.dispatcher = dispatcher
    state.bus.start(state.commits)
    state.bus.scores.start(state)
    dispatcher.start()
    feeds = state.bus.feeds
    state.metrics.watch(lambda m: m.gauge("growthbench_live_connections", value=sum(feeds.connections.values())))
    state.closing += [state.bus.close, state.bus.scores.close, dispatcher.close]
    return dispatcher
