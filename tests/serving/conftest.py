"""A Door over HTTP in this process, with small models deployed."""

import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / "predictions"), str(Path(__file__).parent)]

import small_models  # noqa: E402

_OTHERS_WARNINGS = (  # of bentoml about pathspec and pydantic, of starlette about httpx; nothing of ours to mend
    "ignore:GitWildMatchPattern:DeprecationWarning",
    "ignore:The `__get_pydantic_core_schema__` method of the `BaseModel` class:DeprecationWarning",
    "ignore:Accessing the 'model_fields' attribute on the instance:DeprecationWarning",
    "ignore:Using `httpx` with `starlette.testclient`",
)


def pytest_collection_modifyitems(items):
    """Except those warnings in this folder's tests."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in _OTHERS_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """Folders of small models: churn twice, lead scoring with parts, intent on a plain table, chat intent."""
    folder = tmp_path_factory.mktemp("artifacts")
    return {
        "churn": small_models.person_model(folder / "churn"),
        "churn_2": small_models.person_model(folder / "churn_2", seed=7),
        "lead_scoring": small_models.person_model(folder / "lead", "lead_scoring", seed=3, blend=True),
        "intent": small_models.table_model(folder / "intent"),
        "chat_intent": small_models.text_model(folder / "chat"),
    }


@pytest.fixture
def settings():
    """The home of this test, as the Door will read it."""
    from growthbench.base.settings import Settings

    return Settings.read()


@pytest.fixture
def store(settings):
    """The store of that home."""
    from growthbench.store.engine import open_store

    with open_store(settings.database_url) as opened:
        yield opened


@pytest.fixture
def people(store):
    """People of a small log in that store."""
    return small_models.fill(store)


@pytest.fixture
def filled(store, settings, artifacts, people):
    """The home with three models deployed."""
    from growthbench.predictions.deployments import deploy

    for task in ("churn", "lead_scoring", "intent"):
        deploy(store, settings.home, "local", task, artifacts[task], run_id=f"run-{task}")
    return settings.home


@pytest.fixture(scope="session")
def door_app(tmp_path_factory):
    """The Door's whole ASGI application; each start makes a new instance of the service in it."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path_factory.mktemp("metrics"))  # read when BentoML is imported
    from growthbench.serving.door import Door

    return Door.to_asgi()


@pytest.fixture
def keys(store, settings):
    """A write key and a secret key of tenant ``local``."""
    from growthbench.store.keyring import Keyring
    from growthbench.store.keys import Keys
    from growthbench.store.tenants import Tenants

    keyring = Keyring.open(settings.home)
    Tenants(store, keyring).ensure(settings.tenant)
    return {kind: Keys(store, keyring).create(settings.tenant, kind, "tests").key for kind in ("write", "secret")}


@pytest.fixture
def start(door_app, keys):
    """Starts the Door of this test's home in this process; a client with the secret key, or another one, or none."""
    from starlette.testclient import TestClient

    opened = []

    def started(key=keys["secret"]):
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        client = TestClient(door_app, raise_server_exceptions=False, headers=headers)
        client.__enter__()
        opened.append(client)
        return client

    yield started
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(filled, start):
    """A client of a Door with three models deployed."""
    return start()


@pytest.fixture
def free_port():
    """A port that nobody listens on."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
