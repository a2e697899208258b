"""What happens to the clients of a process when it ends or forks."""

import atexit
import os
import sys
import time
from typing import Protocol


class Living(Protocol):
    """What is asked of a client."""

    def at_exit(self, at_most_s: float) -> None: ...
    def before_fork(self) -> None: ...
    def after_fork_in_parent(self) -> None: ...
    def after_fork_in_child(self) -> None: ...


_AT_EXIT_S = 10.0  # for all clients together
_clients: set[Living] = set()  # until they are closed: what a forgotten client holds is delivered, too
_exits_hooked: set[int] = set()


def register(client: Living) -> None:
    """Take care of a client until it is closed."""
    _clients.add(client)


def unregister(client: Living) -> None:
    """It is closed."""
    _clients.discard(client)


def hook_exit() -> None:
    """Flush when this process ends; called with the first message, because a forked worker has exits of its own."""
    pid = os.getpid()
    if pid in _exits_hooked:
        return
    _exits_hooked.add(pid)
    if len(_exits_hooked) == 1:
        atexit.register(_at_exit)  # inherited by forks, which run it unless they leave by os._exit
    util = sys.modules.get("multiprocessing.util")
    if util is not None:  # its children do leave by os._exit, after these finalizers
        util.Finalize(None, _at_exit, exitpriority=0)


def _at_exit() -> None:
    until = time.monotonic() + _AT_EXIT_S
    for client in list(_clients):
        client.at_exit(max(until - time.monotonic(), 0.0))


def _each(method: str) -> None:
    for client in list(_clients):
        getattr(client, method)()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _each("before_fork"),
        after_in_parent=lambda: _each("after_fork_in_parent"),
        after_in_child=lambda: _each("after_fork_in_child"),
    )
