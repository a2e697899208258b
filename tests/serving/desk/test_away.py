"""The Desk away, slow or hung: its routes say so and when to come again, the Door's own do not notice."""

import asyncio
import re
import socket
import time

import pytest

from growthbench.serving.desk.client import DeskAwayError, ask
from growthbench.serving.desk.table import desk_routes
from growthbench.serving.run import DoorProcess

ROUTES = desk_routes(lambda name, work: name, lambda work: 1.0)


def asked(client, route):
    return client.request(route.method, re.sub(r"\{\w+(:path)?\}", "x", route.path), json=route.example)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_each_route_answers_503_and_when_to_try_again(route, away):
    answer = asked(away, route)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    if route.path.startswith("/v1/"):
        assert answer.json()["error"]["type"] == "server_error"
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Desk" in answer.json()["detail"]


@pytest.fixture(scope="module")
def away(tmp_path_factory):
    """A client of a Door of its own, without a Desk."""
    import httpx

    from growthbench.base.settings import Settings
    from growthbench.store.callers import Caller
    from growthbench.store.engine import open_store
    from growthbench.store.keyring import Keyring
    from growthbench.store.members import Members
    from growthbench.store.tenants import Tenants
    from growthbench.store.tokens import Tokens

    home = tmp_path_factory.mktemp("away")
    settings = Settings(home, f"sqlite:///{home / 'growthbench.db'}", f"sqlite:///{home / 'mlflow.db'}", home)
    with open_store(settings.database_url) as store:
        keyring = Keyring.open(home)
        Tenants(store, keyring).ensure("local")
        boss = Members(store, keyring).create("local", "boss@example.org", "Boss", "admin", "correct horse battery")
        token = Tokens(store, keyring).issue(Caller("local", "member", boss["member_id"], "admin"))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    patch = pytest.MonkeyPatch()
    patch.setenv("GROWTHBENCH_DESK_RETRIEVE_S", "0.7")
    known = {"authorization": f"Bearer {token}"}
    with (
        DoorProcess(port, settings, within_s=240) as door,
        httpx.Client(base_url=door.url, headers=known, timeout=30) as client,
    ):
        client.home = home
        yield client
    patch.undo()


def test_a_desk_that_hangs_is_given_up_and_then_left_alone(away):
    time.sleep(2.1)  # its routes failed before: the circuit may be open
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(away.home / "desk.sock"))
        hung.listen(50)
        took = []
        for _ in range(7):
            begun = time.monotonic()
            answer = away.post("/api/v1/knowledge/search", json={"question": "x"})
            took.append(time.monotonic() - begun)
            assert answer.status_code == 503, answer.text
            assert away.get("/livez").status_code == 200
        assert 0.6 < took[0] < 5
        assert min(took[1:]) < 0.6  # the circuit is open: nobody waits in vain


@pytest.mark.parametrize("said", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", b""])
def test_an_answer_that_is_none_or_is_cut_off_is_an_error(said, tmp_path):
    async def asked():
        async def odd(reader, writer):
            await reader.read(65536)
            writer.write(said)
            writer.close()

        async with await asyncio.start_unix_server(odd, str(tmp_path / "s")):
            answer = await ask(f"unix:{tmp_path / 's'}", "GET", "/x", [])
            await answer.whole()

    with pytest.raises(DeskAwayError):
        asyncio.run(asked())


def test_an_answer_comes_in_parts_and_closing_it_tells_the_other_side(tmp_path):
    gone = []

    async def asked():
        async def endless(reader, writer):
            await reader.read(65536)
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
            await writer.drain()
            gone.append(await reader.read(1))
            writer.close()

        async with await asyncio.start_unix_server(endless, str(tmp_path / "s")):
            answer = await ask(f"unix:{tmp_path / 's'}", "GET", "/x", [])
            assert await anext(answer.parts) == b"abc"
            answer.close()
            while not gone:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(asked(), 10))
    assert gone == [b""]
