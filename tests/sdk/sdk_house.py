"""A home, its keys and its Door in a process of its own that can be killed and started again."""

import signal
import sys
import threading
import time
from pathlib import Path

from growthbench.base.settings import Settings
from growthbench.events.log import EventLog
from growthbench.serving.run import DoorProcess
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.tenants import Tenants

sys.path.insert(0, str(Path(__file__).parents[1] / "predictions"))  # small_models


class House:
    """A home with keys.

    Attributes
    ----------
    url : str
        Where the Door answers once it is started.
    write_key, secret_key : str
    """

    def __init__(self, folder, database_url, port):
        home = folder / "home"
        home.mkdir(exist_ok=True)
        self.settings = Settings(home, database_url, f"sqlite:///{home / 'mlflow.db'}", home / "datasets")
        self.url, self._port, self._log = f"http://127.0.0.1:{port}", port, folder / "door.log"
        self._door = None

    def __enter__(self):
        self.store = open_store(self.settings.database_url)
        keyring = Keyring.open(self.settings.home)
        Tenants(self.store, keyring).ensure_first(self.settings.tenant)
        keys = Keys(self.store, keyring)
        self.write_key, self.secret_key = (keys.create(self.settings.tenant, k).key for k in ("write", "secret"))
        self.log = EventLog(self.store, self.settings.tenant)
        return self

    def __exit__(self, *exc):
        if self._door is not None:
            self._door.stop()
        self.store.close()

    def deploy_churn(self, folder):
        """Have the Door serve a small model of the log."""
        import small_models

        from growthbench.predictions.deployments import deploy

        model = small_models.person_model(folder)
        deploy(self.store, self.settings.home, self.settings.tenant, "churn", model, run_id="run-churn")

    def start(self):
        """Start the Door, again if need be."""
        self._door = DoorProcess(self._port, self.settings, log=self._log).start()
        return self

    def kill(self):
        """SIGKILL: nothing is finished, nothing said."""
        self._door.process.send_signal(signal.SIGKILL)
        self._door.process.wait()

    def wait_for(self, name, n, within_s):
        """Wait until so many events of a name are in the log; how many there are."""
        until = time.monotonic() + within_s
        while (count := self.log.count(name)) < n and time.monotonic() < until:
            time.sleep(0.05)
        return count

    def kill_at(self, name, counts, away_s):
        """Beside the caller: kill the Door whenever so many events have come, and start it again a moment later."""

        def work():
            for count in counts:
                self.wait_for(name, count, 300)
                self.kill()
                time.sleep(away_s)
                self.start()

        killer = threading.Thread(target=work)
        killer.start()
        return killer
