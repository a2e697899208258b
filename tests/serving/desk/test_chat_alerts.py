"""The Desk hands a chat over, the Door tells people: two real processes, one of them killed right after it."""

import json
import time

import pytest

from tests.serving.live.receiver import Receiver, verified

websockets = pytest.importorskip("websockets.sync.client")


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def hear(socket, kind, within=20):
    while True:
        told = json.loads(socket.recv(timeout=within))
        if told["type"] == kind:
            return told


def test_a_chat_that_is_handed_over_reaches_people_once_though_the_desk_dies(installation, client, receiver):
    made = client.post("/api/v1/webhooks", json={"url": receiver.url, "topics": ["alerts"]})
    assert made.status_code == 201, made.text
    headers = {"authorization": client.headers["authorization"]}
    where = installation.door.url.replace("http", "ws") + "/ws/realtime"
    asked = {"text": "Can I talk to a human, please?", "user_id": "jane"}
    with websockets.connect(where, additional_headers=headers) as socket:
        socket.send(json.dumps({"type": "subscribe", "topics": ["alerts"]}))
        hear(socket, "subscribed")
        reply = client.post("/api/v1/chat", json=asked)
        assert reply.status_code == 200, reply.text
        desk = installation.desk()
        desk.kill()
        told = hear(socket, "message")
        reply = reply.json()
        again = asked | {"conversation_id": reply["conversation_id"]}
        assert installation.desk().pid != desk.pid
        for _ in range(2):
            answer = client.post("/api/v1/chat", json=again)
            assert answer.status_code == 200, answer.text
            assert answer.json()["escalation"] is None
        with pytest.raises(TimeoutError):
            hear(socket, "message", within=1.5)
    end = time.monotonic() + 20
    while not receiver.got and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1.5)
    ((_, signed, body),) = receiver.got
    assert verified(made.json()["secret"], signed, body)
    assert json.loads(body)["type"] == "alert.chat_escalation"
    assert json.loads(body)["data"] == told["body"]
    assert told["body"]["escalation_id"] == reply["escalation"]["escalation_id"]
    assert (told["body"]["reason"], told["body"]["user_id"]) == ("explicit_wish", "jane")
    assert "human" not in json.dumps(told)
