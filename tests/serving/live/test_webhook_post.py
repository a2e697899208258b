import socket
import threading
import time

import pytest
from receiver import Receiver

from growthbench.base.errors import BadInputError
from growthbench.serving import webhook_post
from growthbench.serving.webhook_post import DeliveryError, check_url, is_outside, new_secret, post, signature


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def test_the_signature_is_the_one_of_the_published_example():
    # Source: https://docs.svix.com/receiving/verifying-payloads/how-manual
    secret, body = "whsec_plJ3nmyCDGBKInavdOK15jsl", b'{"event_type":"ping","data":{"success":true}}'
    told = signature([secret], "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert told == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
    assert signature([secret, new_secret()], "m", 1, body).count("v1,") == 2


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("8.8.8.8", True), ("2606:4700:4700::1111", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("192.168.0.1", False), ("172.16.0.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1", False), ("fe80::1%eth0", False),
        ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True), ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False), ("2001:0:53aa::1", False), ("192.0.2.1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_outside(address, outside):
    assert is_outside(address) is outside


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "ftp://a.example/", "http://a.example/", "https://", "https://u:p@a.example/", "https://a.example:0/",
        "https://a.example:99999/", "https://a.example/ b", "https://127.0.0.1/", "https://[::1]/",
        "https://localhost/", "https://x.internal/", "https://10.0.0.1:8080/x", "https://[::ffff:10.0.0.1]/",
        "https://a.example/" + "x" * 2000, "https://a.example/\r\nhost: b", "https://ex\u00e4mple.example/",
    ],
)  # fmt: skip
def test_what_can_never_be_a_receiver_is_refused(url):
    with pytest.raises(BadInputError) as caught:
        check_url(url, private=False)
    assert caught.value.field == "url"


def test_private_addresses_and_http_only_where_they_are_allowed(receiver):
    check_url("https://hooks.example.com/x?y=1", private=False)
    check_url(receiver.url, private=True)
    with pytest.raises(DeliveryError, match="url must be https"):
        post(receiver.url, {}, b"{}", private=False)
    assert receiver.got == []


def test_a_name_that_leads_inside_is_found_out_when_it_is_looked_up(monkeypatch):
    def looked_up(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("93.184.216.34", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    with pytest.raises(DeliveryError, match=r"leads inside, to 127\.0\.0\.1"):
        post("https://rebind.example/", {}, b"{}", private=False)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch, receiver):
    asked, port = [], receiver.server.server_port

    def looked_up(host, given, *_, **__):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", given))]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda where, *a: asked.append(where) or real(where, *a))
    monkeypatch.setattr(webhook_post, "is_outside", lambda address: True)
    assert post(f"http://hooks.example:{port}/hook", {"a": "b"}, b"{}", private=True).status == 200
    assert asked[:2] == ["hooks.example", ("127.0.0.1", port)]
    assert receiver.got[0][1]["Host"] == f"hooks.example:{port}"


def test_redirects_are_not_followed_and_waiting_times_are_read(receiver):
    receiver.answers, receiver.headers = [302, 429], {"location": receiver.url, "retry-after": "7"}
    assert post(receiver.url, {}, b"{}", private=True).status == 302
    assert post(receiver.url, {}, b"{}", private=True).retry_after == 7.0
    assert len(receiver.got) == 2


def test_a_receiver_that_is_away_silent_or_dripping_costs_a_bounded_time(receiver):
    with pytest.raises(DeliveryError, match="ConnectionRefused"):
        post("http://127.0.0.1:1/", {}, b"{}", private=True)
    receiver.hold.clear()
    with pytest.raises(DeliveryError, match=r"[Tt]imeout|timed out"):
        post(receiver.url, {}, b"{}", private=True, timeout_s=0.3)
    receiver.hold.set()

    dripping = socket.create_server(("127.0.0.1", 0))

    def drip():
        peer, _ = dripping.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100):
                try:
                    peer.sendall(b"x: y\r\n")
                except OSError:
                    return
                time.sleep(0.1)

    threading.Thread(target=drip, daemon=True).start()
    begun = time.monotonic()
    with pytest.raises(DeliveryError):
        post(f"http://127.0.0.1:{dripping.getsockname()[1]}/", {}, b"{}", private=True, timeout_s=0.5)
    assert time.monotonic() - begun < 5
    dripping.close()


def test_rubbish_is_no_answer():
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        peer, _ = server.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(b"\x00\xff not http \r\n\r\n")

    threading.Thread(target=answer, daemon=True).start()
    with pytest.raises(DeliveryError):
        post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}", private=True)
    server.close()
