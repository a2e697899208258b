"""The JavaScript client under Node: what it sends, and what it never does: lose, raise, block, mix up."""

import base64
import json
import random
import subprocess
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest
from sdk_servers import (
    close_after,
    close_unread,
    endless_body,
    friendly_page,
    picky,
    rubbish,
    slow,
    status,
    trickle,
)
from test_python_processes import kept, start_server

JAVASCRIPT = Path(__file__).parents[2] / "sdk" / "javascript"


def test_a_batch_is_segments_format(node, receiver):
    node(
        """
        sdk.init({...QUICK, appId: "shop"});
        const u = {userId: "u1"};
        sdk.track("product_viewed", {product_id: "p1", price: 299.99}, u);
        sdk.identify("u1", {email: "a@b.example", plan: "pro"}, {anonymousId: "a1"});
        sdk.page("Pricing", {path: "/pricing"}, {anonymousId: "a1"});
        sdk.screen("Basket", {}, u);
        sdk.group("acme", {employees: 250}, u);
        sdk.alias("u1", "a1");
        sdk.track("then", {}, {...u, timestamp: "2026-01-01T12:00:00Z", messageId: "m1", context: {ip: "10.0.0.1"}});
        """,
        receiver.url,
    )
    path, headers, body = receiver.requests[0]
    assert path == "/v1/batch"
    headers = {k.lower(): v for k, v in headers.items()}
    assert headers["authorization"] == "Basic " + base64.b64encode(b"gbw_key:").decode()
    assert set(json.loads(body)) == {"batch", "sentAt"}
    track, identify, page, screen, group, alias, then = receiver.messages
    assert (track["type"], track["userId"], track["event"]) == ("track", "u1", "product_viewed")
    assert track["properties"] == {"product_id": "p1", "price": 299.99}
    assert track["context"]["app"] == {"name": "shop"}
    assert track["context"]["library"]["name"] == "growthbench-js"
    assert "anonymousId" not in track
    assert (identify["traits"]["plan"], identify["anonymousId"]) == ("pro", "a1")
    assert (page["name"], page["properties"]) == ("Pricing", {"path": "/pricing"})
    assert (screen["type"], group["groupId"], alias["previousId"]) == ("screen", "acme", "a1")
    assert (then["timestamp"], then["messageId"]) == ("2026-01-01T12:00:00.000Z", "m1")
    assert then["context"]["ip"] == "10.0.0.1"


def test_nothing_raises_into_the_host(node, receiver):
    (counts,) = node(
        """
        const throws = () => { throw new Error("hostile"); };
        const hostile = new Proxy({}, {get: throws, ownKeys: throws});
        const loop = {}; loop.self = loop;
        let deep = {}; for (let i = 0; i < 100000; i++) deep = {deep};
        const bad = [undefined, null, "", 0, NaN, true, [], {}, loop, deep, hostile, Symbol("s"), 10n, () => 1,
                     "x".repeat(40000), new Date(NaN), {toJSON() { throw new Error("hostile"); }}];
        for (const early of [true, false]) {
          for (const v of bad) {
            for (const name of ["track", "identify", "page", "screen", "group", "alias"])
              for (const args of [[v], ["e", v], ["e", {x: v}], ["e", {}, v], ["e", {}, {userId: v}],
                                  ["e", {}, {userId: "u", timestamp: v}], ["e", {}, {userId: "u", context: v}]])
                if (typeof sdk[name](...args) !== "boolean") process.exit(71);
            sdk.reset(v); sdk.counts(v);
          }
          if (early) sdk.init({...QUICK, onError() { throw new Error("host's mistake"); }});
        }
        for (const v of bad) if (typeof await sdk.flush(v) !== "boolean") process.exit(72);
        await sdk.flush();
        console.log(JSON.stringify(sdk.counts()));
        for (const options of [undefined, null, 5, hostile, {}, {apiKey: ""}, {apiKey: "k", host: "no url"},
                               {apiKey: "k", host: Symbol("s")}, {apiKey: "k", host: "ftp://x"}]) {
          const dead = sdk.createClient(options);
          if (dead.track("e", {}, {userId: "u"}) !== false) process.exit(73);
          if (await dead.flush() || await dead.close()) process.exit(74);
          sdk.init(options);
        }
        """,
        receiver.url,
    )
    assert counts["dropped"]["invalid"] > 100
    assert counts["dropped"]["too_large"] > 1
    assert counts["delivered"] == counts["accepted"] == len(receiver.messages)


def test_odd_values_become_json_that_every_reader_takes(node, receiver):
    node(
        """
        sdk.init(QUICK);
        const p = {nan: NaN, big: 10n, day: new Date(0), lone: "a\\ud800b", pair: "\\ud83d\\ude00", gone: undefined};
        sdk.track("odd", p, {userId: 17});
        p.nan = "changed later";
        """,
        receiver.url,
    )
    assert receiver.messages[0]["userId"] == "17"
    assert receiver.messages[0]["properties"] == {
        "nan": None, "big": "10", "day": "1970-01-01T00:00:00.000Z", "lone": "a\ufffdb", "pair": "😀"}  # fmt: skip


FAULTS = {
    "500": status(500), "502 page": status(502), "503": status(503, [("Retry-After", "0")]), "401": status(401),
    "404": status(404), "redirect": status(302, [("Location", "/")]), "rubbish": rubbish, "page": friendly_page,
    "close": close_unread, "close after": close_after, "slow": slow(1.3), "trickle": trickle,
    "endless": endless_body, "400 of a proxy": status(400), "413 of a proxy": status(413),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_server_loses_nothing_and_keeps_the_order(fault, node, receiver):
    receiver.plan = [FAULTS[fault]] * (8 if "proxy" in fault else 2)  # refusals are first narrowed down to one message
    (told,) = node(
        """
        const kinds = [];
        sdk.init({...QUICK, onError: (p) => kinds.push(p.kind)});
        for (let i = 0; i < 30; i++) sdk.track("e" + i, {}, {userId: "u" + i % 3});
        const good = await sdk.flush(20000);
        console.log(JSON.stringify({good, kinds, counts: sdk.counts()}));
        """,
        receiver.url,
    )
    assert told["good"]
    assert receiver.names() == [f"e{i}" for i in range(30)]
    counts = told["counts"]
    assert (counts["accepted"], counts["delivered"], counts["waiting"], counts["dropped"]) == (30, 30, 0, {})
    assert set(told["kinds"]) <= {"network", "status", "rubbish"}
    assert told["kinds"]


def test_retry_after_is_honoured(node, receiver):
    receiver.plan = [status(429, [("Retry-After", "1")])]
    (told,) = node(
        """
        sdk.init(QUICK);
        sdk.track("e", {}, {userId: "u"});
        const begun = Date.now();
        await sdk.flush();
        console.log(JSON.stringify([Date.now() - begun]));
        """,
        receiver.url,
    )
    assert 1000 <= told[0] < 3000
    assert len(receiver.requests) == 2


def test_a_refused_message_is_found_and_handed_back_and_the_others_arrive(node, receiver):
    receiver.always = picky(lambda m: m["event"] in ("e7", "e40"))
    (told,) = node(
        """
        const refused = [];
        sdk.init({...QUICK, onError: (p) => p.kind === "refused" && refused.push(p.messages[0].event)});
        for (let i = 0; i < 50; i++) sdk.track("e" + i, {}, {userId: "u"});
        await sdk.flush();
        console.log(JSON.stringify({refused, dropped: sdk.counts().dropped}));
        """,
        receiver.url,
    )
    assert told == {"refused": ["e7", "e40"], "dropped": {"refused": 2}}
    assert receiver.names() == [f"e{i}" for i in range(50) if i not in (7, 40)]


def test_batches_keep_segments_limits_and_a_full_queue_refuses_the_newest(node, receiver):
    receiver.plan = [slow(0.3)]
    (told,) = node(
        """
        sdk.init({...QUICK, maxQueue: 350});
        const taken = [];
        for (let i = 0; i < 360; i++)
          taken.push(sdk.track("e", {i, text: "x".repeat(i < 60 ? 25000 : 10)}, {userId: "u" + i % 7}));
        await sdk.flush();
        console.log(JSON.stringify({late: taken.slice(350), dropped: sdk.counts().dropped}));
        """,
        receiver.url,
    )
    assert told == {"late": [False] * 10, "dropped": {"full": 10}}
    assert max(len(b) for _, _, b in receiver.requests) <= 500_000
    assert max(len(json.loads(b)["batch"]) for _, _, b in receiver.requests) <= 100
    assert [m["properties"]["i"] for m in receiver.messages] == list(range(350))


def test_the_host_is_never_held_up(node, receiver, free_port, figure):
    receiver.always = slow(3)
    for name, url in (("away", f"http://127.0.0.1:{free_port}"), ("slow", receiver.url)):
        (told,) = node(
            """
            sdk.init({...QUICK, exitTimeoutMs: 100});
            const taken = [];
            let gap = 0, last = performance.now();
            const tick = () => { const now = performance.now(); gap = Math.max(gap, now - last); last = now; };
            const ticker = setInterval(tick, 5);
            for (let i = 0; i < 5000; i++) {
              const begun = performance.now();
              sdk.track("e", {i}, {userId: "u" + i});
              taken.push(performance.now() - begun);
              if (i % 100 === 0) await sleep(1);
            }
            await sleep(300);
            clearInterval(ticker);
            taken.sort((a, b) => a - b);
            console.log(JSON.stringify({p99: taken[4950], longest: taken[4999], gap}));
            """,
            url,
        )
        figure(f"track() under Node with a server that is {name}, p99", told["p99"], at_most=2, unit="ms")
        figure(f"track() under Node with a server that is {name}, longest", told["longest"], at_most=250, unit="ms")
        figure(f"longest gap of a 5 ms ticker, server {name}", told["gap"], at_most=400, unit="ms")


def test_the_end_of_the_process_delivers_and_is_not_held_up_by_a_dead_server(node, receiver, free_port):
    node("sdk.init(QUICK); for (let i = 0; i < 250; i++) sdk.track('e' + i, {}, {userId: 'u'});", receiver.url)
    assert receiver.names() == [f"e{i}" for i in range(250)]
    begun = time.monotonic()
    node("sdk.init({...QUICK, exitTimeoutMs: 500, retryLongestMs: 30000, retryFirstMs: 20000});"
         "sdk.track('e', {}, {userId: 'u'});", f"http://127.0.0.1:{free_port}")  # fmt: skip
    assert time.monotonic() - begun < 5


def test_close_hands_back_what_is_left_within_its_limit(node, receiver):
    receiver.always = slow(5)
    (told,) = node(
        """
        const left = [];
        const onError = (p) => p.kind === "closed" && left.push(...p.messages.map((m) => m.event));
        sdk.init({...QUICK, timeoutMs: 10000, onError});
        for (let i = 0; i < 3; i++) sdk.track("e" + i, {}, {userId: "u"});
        const begun = Date.now();
        const good = await sdk.close(300);
        console.log(JSON.stringify({good, left, took: Date.now() - begun, late: sdk.track("late", {}, {userId: "u"})}));
        """,
        receiver.url,
    )
    assert (told["good"], told["left"], told["late"]) == (False, ["e0", "e1", "e2"], False)
    assert told["took"] < 1500


def test_calls_before_init_are_kept_for_it(node, receiver):
    node("sdk.track('early', {}, {userId: 'u'}); sdk.init(QUICK); sdk.track('late', {}, {userId: 'u'});", receiver.url)
    assert receiver.names() == ["early", "late"]


def test_without_consent_nothing_is_sent(node, receiver):
    (told,) = node(
        """
        sdk.init({...QUICK, requireConsent: true});
        const u = {userId: "u"};
        sdk.track("before", {}, u);
        await sleep(100);
        sdk.consent(true);
        sdk.track("with", {}, u);
        await sdk.flush();
        sdk.track("withdrawn", {}, u);
        sdk.consent(false);
        sdk.track("after", {}, u);
        await sleep(100);
        console.log(JSON.stringify(sdk.counts()));
        """,
        receiver.url,
    )
    assert receiver.names() == ["with"]
    assert told["dropped"] == {"consent": 3}


def test_a_server_killed_again_and_again_gets_everything_once_and_in_order(node, free_port, tmp_path):
    file, chance, stop = tmp_path / "kept", random.Random(5), threading.Event()
    server = [start_server(free_port, file)]

    def killing():
        while not stop.wait(chance.uniform(0.05, 0.3)):
            server[0].kill()
            server[0].wait()
            time.sleep(chance.uniform(0, 0.2))
            server[0] = start_server(free_port, file)

    killer = threading.Thread(target=killing)
    killer.start()
    try:
        (counts,) = node(
            """
            sdk.init({...QUICK, maxQueue: 100000});
            for (let i = 0; i < 2000; i++) {
              sdk.track("e" + i, {}, {userId: "u" + i % 20});
              if (i % 20 === 0) await sleep(10);
            }
            if (!await sdk.flush(30000)) process.exit(74);
            console.log(JSON.stringify(sdk.counts()));
            """,
            f"http://127.0.0.1:{free_port}",
        )
    finally:
        stop.set()
        killer.join()
        server[0].kill()
        server[0].wait()
    came = defaultdict(list)
    for _, user, event in kept(file):
        came[user].append(event)
    assert came == {f"u{n}": [f"e{i}" for i in range(n, 2000, 20)] for n in range(20)}
    assert counts["delivered"] == 2000


def test_the_package_is_one_file_without_dependencies():
    package = json.loads((JAVASCRIPT / "package.json").read_text())
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & set(package)
    text = (JAVASCRIPT / package["main"]).read_text()
    assert f'VERSION = "{package["version"]}"' in text
    assert f"growthbench.js {package['version']}" in text
    assert "require(" not in text
    assert "import(" not in text
    assert all((JAVASCRIPT / name).is_file() for name in package["files"])


def test_it_can_be_imported_as_a_module_too(node, tmp_path):
    (tmp_path / "it.mjs").write_text(
        f"import sdk from {json.dumps((JAVASCRIPT / 'growthbench.js').as_uri())};\n"
        "console.log(typeof sdk.init, typeof globalThis.marketingSDK);\n"
    )
    done = subprocess.run(["node", str(tmp_path / "it.mjs")], capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["function", "undefined"]
