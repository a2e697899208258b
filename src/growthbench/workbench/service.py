"""The Door beside a notebook or a demo: started, called with keys of its own, stopped."""

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from growthbench.base.settings import Settings
from growthbench.serving.run import DoorProcess
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys, NewKey
from growthbench.store.tenants import Tenants


class Service:
    """A running Door and how to call it.

    Parameters
    ----------
    settings : Settings
        Which home, store and tenant.
    port : int
    log : Path, optional
        File for what the Door prints.

    Attributes
    ----------
    url : str
    write_key, secret_key : str
        Made for this service and revoked when it stops: the one may send events, the other also asks.
    """

    def __init__(self, settings: Settings, port: int, log: Path | None = None):
        self.settings, self.door = settings, DoorProcess(port, settings, log=log)
        self.url = self.door.url
        self._keys: list[NewKey] = []

    def start(self) -> "Service":
        """Make the keys, start the Door and wait until it answers."""
        with open_store(self.settings.database_url) as store:
            keyring = Keyring.open(self.settings.home)
            Tenants(store, keyring).ensure(self.settings.tenant)
            keys = Keys(store, keyring)
            self._keys = [keys.create(self.settings.tenant, kind, "workbench") for kind in ("write", "secret")]
        self.write_key, self.secret_key = (k.key for k in self._keys)
        self.door.start()
        return self

    def stop(self) -> None:
        """Stop the Door and revoke the keys; stopping twice does no harm."""
        self.door.stop()
        with open_store(self.settings.database_url) as store:
            keys = Keys(store, Keyring.open(self.settings.home))
            while self._keys:
                keys.revoke(self.settings.tenant, self._keys.pop().key_id)

    def __enter__(self) -> "Service":
        return self.start()

    def __exit__(self, *exc) -> None:
        self.stop()

    def get(self, path: str) -> Any:
        """The JSON answer of a GET with the secret key; a refusal is returned as its problem, not raised."""
        return self._call(path, None, self.secret_key)

    def post(self, path: str, body: Any) -> Any:
        """The same of a POST."""
        return self._call(path, body, self.secret_key)

    def track(self, user_id: str, event: str, **properties: Any) -> Any:
        """Send one event with the write key, as a product would."""
        body = {"user_id": user_id, "event": event, "properties": properties}
        return self._call("/api/v1/events/track", body, self.write_key)

    def identify(self, user_id: str, **traits: Any) -> Any:
        """Tell who a user is."""
        return self._call("/api/v1/users/identify", {"user_id": user_id, "traits": traits}, self.write_key)

    def score(self, task: str, user_id: str, reasons: int = 0) -> Any:
        """The score of one person."""
        return self.get(f"/api/v1/scores/{task}/{urllib.parse.quote(user_id, safe='')}?reasons={reasons}")

    def profile(self, user_id: str) -> Any:
        """What is known of one person."""
        return self.get(f"/api/v1/users/{urllib.parse.quote(user_id, safe='')}/profile")

    def _call(self, path: str, body: Any, key: str) -> Any:
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode())
        request.add_header("authorization", f"Bearer {key}")
        request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as exc:
            with exc:
                return json.load(exc)

    def __repr__(self) -> str:
        return (
            f"Door at {self.url}, up after {self.door.start_s:.1f} s; .track() .identify() .score() .profile() .stop()"
        )
