"""The JavaScript client in a real browser, its page and its server on different origins."""

import json
import time
from pathlib import Path

import pytest
from sdk_servers import Receiver, friendly_page, ok, rubbish, slow, status

SCRIPT = (Path(__file__).parents[2] / "sdk" / "javascript" / "growthbench.js").read_text()
HEAD = """<!doctype html><title>Shop</title>
<script>window.errors = []; addEventListener("error", (e) => errors.push(e.message));
addEventListener("unhandledrejection", (e) => errors.push(String(e.reason)));</script>"""
QUICK = "{apiKey: 'gbw_key', host: '%s', flushIntervalMs: 50, retryFirstMs: 50, retryLongestMs: 200, timeoutMs: 1000%s}"


@pytest.fixture
def site():
    """The shop's own server: pages that load the client."""
    with Receiver() as running:
        running.files["/growthbench.js"] = ("text/javascript", SCRIPT)
        running.files["/empty"] = ("text/html", "<!doctype html><title>elsewhere</title>")
        yield running


@pytest.fixture
def page(site, receiver, chromium):
    """Open a page that initialises the client; ``page("/path", "requireConsent: true")``."""

    def visit(path="/", more="", body=""):
        settings = QUICK % (receiver.url, f", {more}" if more else "")
        site.files[path.split("?")[0]] = (
            "text/html",
            f"{HEAD}<script src='/growthbench.js'></script><script>marketingSDK.init({settings})</script>{body}",
        )
        chromium.get(site.url + path)
        return chromium

    yield visit
    chromium.get(site.url + "/empty")
    chromium.execute_script("localStorage.clear()")


def run(browser, code):
    """Run code of an async function in the page."""
    return browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "const sleep = (ms) => new Promise((r) => setTimeout(r, ms));"
        f"(async () => {{ {code} }})().then(done, (e) => done('failed: ' + e));"
    )


def kinds(receiver):
    return [m.get("event") or m["type"] for m in receiver.messages]


def test_a_visit(page, receiver, chromium):
    page("/pricing?utm_source=news&utm_campaign=spring", "appId: 'shop'")
    chromium.execute_script(
        "marketingSDK.track('button_clicked', {button_id: 'buy'});"
        "marketingSDK.identify('user_123', {plan: 'pro'}); marketingSDK.track('then');"
    )
    assert run(chromium, "return await marketingSDK.flush()") is True
    view, click, identify, then = receiver.messages
    assert (view["type"], view["properties"]["path"]) == ("page", "/pricing")
    assert view["properties"]["title"] == "Shop"
    assert view["properties"]["url"].endswith("/pricing?utm_source=news&utm_campaign=spring")
    assert view["context"]["campaign"] == {"source": "news", "name": "spring"}
    assert view["context"]["app"] == {"name": "shop"}
    assert "Chrome" in view["context"]["userAgent"]
    assert (click["event"], click["properties"]) == ("button_clicked", {"button_id": "buy"})
    assert "userId" not in click
    assert identify["userId"] == then["userId"] == "user_123"
    assert len({m["anonymousId"] for m in receiver.messages}) == 1
    (_path, headers, body) = next(r for r in receiver.requests if r[0] == "/v1/batch")
    assert json.loads(body)["writeKey"] == "gbw_key"
    assert headers["Content-Type"].startswith("text/plain")  # or every request would be asked for beforehand
    assert chromium.execute_script("return errors") == []


def test_who_it_is_is_remembered_until_reset_and_a_second_person_is_somebody_else(page, receiver):
    browser = page()
    first = browser.execute_script("marketingSDK.identify('u1'); return marketingSDK.ids()")
    browser = page("/next")
    assert browser.execute_script("return marketingSDK.ids()") == first
    second = browser.execute_script("marketingSDK.identify('u2'); return marketingSDK.ids()")
    assert second["userId"] == "u2"
    assert second["anonymousId"] != first["anonymousId"]
    third = browser.execute_script("marketingSDK.reset(); return marketingSDK.ids()")
    assert third["userId"] is None
    assert third["anonymousId"] not in (first["anonymousId"], second["anonymousId"])


def test_alias_takes_who_it_was(page, receiver):
    browser = page()
    anonymous = browser.execute_script("marketingSDK.alias('u1'); return marketingSDK.ids().anonymousId")
    run(browser, "return await marketingSDK.flush()")
    alias = receiver.messages[-1]
    assert (alias["type"], alias["userId"], alias["previousId"]) == ("alias", "u1", anonymous)


def test_page_views_follow_the_address(page, receiver, site):
    browser = page("/one")
    browser.execute_script(
        "history.pushState({}, '', '/two'); history.replaceState({}, '', '/three');"
        "history.pushState({x: 1}, '', '/three'); history.pushState({}, '', '/three#part');"
    )
    run(browser, "history.back(); await sleep(200); history.go(-2); await sleep(300);")
    assert run(browser, "return await marketingSDK.flush()") is True
    views = [m["properties"] for m in receiver.messages if m["type"] == "page"]
    assert [v["path"] for v in views] == ["/one", "/two", "/three", "/one"]
    assert views[1]["referrer"] == site.url + "/one"
    assert kinds(receiver) == ["page"] * 4
    assert browser.execute_script("return errors") == []


def test_what_the_page_does_wrong_with_its_history_stays_its_own(page):
    browser = page()
    told = browser.execute_script(
        "try { history.pushState({}, '', 'http://elsewhere.example/'); } catch (e) { return e.name; }"
    )
    assert told == "SecurityError"


def test_page_views_can_be_switched_off(page, receiver):
    browser = page("/", "pageViews: false")
    browser.execute_script("history.pushState({}, '', '/two'); marketingSDK.track('only')")
    run(browser, "return await marketingSDK.flush()")
    assert kinds(receiver) == ["only"]


@pytest.mark.parametrize("n", [60, 150])
def test_what_waits_leaves_by_beacon_when_the_page_goes(n, page, receiver, site, chromium):
    """As much as browsers allow (64 KiB); the rest is in storage."""
    browser = page("/", "flushIntervalMs: 60000, flushAt: 1000, pageViews: false")
    browser.execute_script(f"for (let i = 0; i < {n}; i++) marketingSDK.track('e' + i, {{text: 'x'.repeat(200)}})")
    time.sleep(0.2)
    assert receiver.messages == []
    chromium.get(site.url + "/empty")  # where there is no client that could send what was stored
    assert receiver.wait_for(60) >= 60
    assert receiver.names() == [f"e{i}" for i in range(len(receiver.messages))]
    assert chromium.execute_script("return Object.keys(localStorage).some((k) => k.includes('.q.'))")
    page("/again", "pageViews: false")  # sends them again: a beacon is not acknowledged; their ids make it once
    assert receiver.wait_for(n) == n
    left = run(chromium, "await marketingSDK.flush(); return Object.keys(localStorage).map((k) => k.split('.')[2])")
    assert set(left) == {"anonymous", "page"}
    assert receiver.names() == [f"e{i}" for i in range(n)]


def test_what_could_not_be_sent_is_sent_by_the_next_page_first(page, receiver, chromium):
    receiver.always = status(503)
    browser = page("/", "pageViews: false")
    browser.execute_script("for (let i = 0; i < 20; i++) marketingSDK.track('e' + i)")
    time.sleep(0.3)
    assert receiver.messages == []
    page("/next", "pageViews: false")
    receiver.always = ok
    browser.execute_script("marketingSDK.track('own')")
    assert receiver.wait_for(21) == 21
    assert run(chromium, "await marketingSDK.flush(); return marketingSDK.counts()")["waiting"] == 0
    assert receiver.names() == [*(f"e{i}" for i in range(20)), "own"]


def test_a_page_that_was_killed_loses_nothing(page, receiver, chromium):
    """No unload event, as when a phone kills the browser: another page sends its messages when its beat is old."""
    receiver.always = status(503)
    browser = page("/", "pageViews: false")
    browser.execute_script("for (let i = 0; i < 5; i++) marketingSDK.track('e' + i)")
    time.sleep(0.2)
    kept = browser.execute_script("return JSON.stringify(localStorage)")
    browser.execute_script("marketingSDK.consent(false); marketingSDK.consent(true)")  # empties this page
    receiver.always = ok
    browser.execute_script(
        "for (const [k, v] of Object.entries(JSON.parse(arguments[0])))"
        "  localStorage.setItem(k, k.includes('.page.') ? String(Date.now() - 20000) : v)", kept
    )  # fmt: skip
    page("/next", "pageViews: false")
    assert receiver.wait_for(5) == 5
    assert receiver.names() == [f"e{i}" for i in range(5)]


def test_two_tabs_send_their_own_messages_once(page, receiver, chromium):
    """Once, when every answer arrives: an answer that is late or met by a closed page makes a client send again."""
    receiver.always = status(503)
    patient = "pageViews: false, timeoutMs: 30000"
    first_tab = chromium.current_window_handle
    page("/", patient).execute_script("for (let i = 0; i < 10; i++) marketingSDK.track('a' + i)")
    chromium.switch_to.new_window("tab")
    page("/second", patient).execute_script("for (let i = 0; i < 10; i++) marketingSDK.track('b' + i)")
    receiver.always = ok
    assert receiver.wait_for(20) == 20
    acknowledged = "await marketingSDK.flush(); return marketingSDK.counts()"
    assert run(chromium, acknowledged)["waiting"] == 0
    chromium.close()
    chromium.switch_to.window(first_tab)
    assert run(chromium, acknowledged)["waiting"] == 0
    assert [n for n in receiver.names() if n[0] == "a"] == [f"a{i}" for i in range(10)]
    assert [n for n in receiver.names() if n[0] == "b"] == [f"b{i}" for i in range(10)]
    assert receiver.duplicates == 0


FAULTS = {"500": status(500), "rubbish": rubbish, "page": friendly_page, "slow": slow(1.3), "429": status(429)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_server_loses_nothing_and_throws_nothing(fault, page, receiver):
    receiver.always = FAULTS[fault]
    browser = page("/", "pageViews: false")
    browser.execute_script("for (let i = 0; i < 30; i++) marketingSDK.track('e' + i)")
    time.sleep(0.5)
    receiver.always = ok
    assert run(browser, "return await marketingSDK.flush(20000)") is True
    assert receiver.names() == [f"e{i}" for i in range(30)]
    assert browser.execute_script("return errors") == []


def test_the_page_is_never_held_up(page, receiver, figure):
    receiver.always = slow(2)
    browser = page("/", "pageViews: false")
    taken = run(browser, """
        const taken = [];
        for (let i = 0; i < 900; i++) {
          const begun = performance.now();
          marketingSDK.track('e', {i});
          taken.push(performance.now() - begun);
        }
        return taken.sort((a, b) => a - b);
    """)  # fmt: skip
    figure("track() in a browser with a slow server, p95", taken[855], at_most=5, unit="ms")
    figure("track() in a browser with a slow server, longest", taken[-1], at_most=250, unit="ms")


def test_offline_it_waits_and_back_online_it_sends(page, receiver, chromium):
    browser = page("/", "pageViews: false")
    chromium.set_network_conditions(offline=True, latency=0, throughput=0)
    try:
        browser.execute_script("marketingSDK.track('in a tunnel')")
        time.sleep(0.4)
        assert receiver.messages == []
    finally:
        chromium.delete_network_conditions()
    assert receiver.wait_for(1) == 1
    assert browser.execute_script("return errors") == []


def test_without_consent_nothing_is_stored_or_sent(page, receiver, chromium):
    browser = page("/", "requireConsent: true")
    browser.execute_script("marketingSDK.track('before'); marketingSDK.identify('u1', {email: 'a@b.example'})")
    time.sleep(0.4)
    page("/next", "requireConsent: true")
    time.sleep(0.3)
    assert receiver.requests == []
    assert chromium.execute_script("return [Object.keys(localStorage), document.cookie]") == [[], ""]
    chromium.execute_script("marketingSDK.consent(true); marketingSDK.track('with')")
    assert run(chromium, "return await marketingSDK.flush()") is True
    assert kinds(receiver) == ["page", "with"]
    page("/third", "requireConsent: true")  # the answer is remembered
    run(chromium, "return await marketingSDK.flush()")
    assert kinds(receiver) == ["page", "with", "page"]
    chromium.execute_script("marketingSDK.track('under way'); marketingSDK.consent(false); marketingSDK.track('after')")
    assert chromium.execute_script("return Object.keys(localStorage)") == []
    page("/fourth", "requireConsent: true")
    time.sleep(0.4)
    assert kinds(receiver) == ["page", "with", "page"]


def test_a_refusal_is_remembered_where_yes_is_the_rule(page, receiver, chromium):
    page().execute_script("marketingSDK.consent(false)")
    seen = len(receiver.messages)
    page("/next").execute_script("marketingSDK.track('e')")
    time.sleep(0.3)
    assert len(receiver.messages) == seen
    assert chromium.execute_script("return Object.entries(localStorage).map(([k, v]) => v)") == ["0"]


def test_without_storage_it_works_from_memory(page, receiver, chromium):
    browser = page("/", "storage: false")
    browser.execute_script("marketingSDK.track('e')")
    assert run(browser, "return await marketingSDK.flush()") is True
    assert kinds(receiver) == ["page", "e"]
    assert browser.execute_script("return Object.keys(localStorage)") == []


def test_storage_that_is_full_is_survived(page, receiver):
    browser = page("/", "pageViews: false")
    fill = "try { for (let i = 0; ; i++) localStorage.setItem('%s' + i, '%s'); } catch (e) {}"
    browser.execute_script(fill % ("host", "x" * 100_000) + fill % ("h", ""))
    browser.execute_script("for (let i = 0; i < 10; i++) marketingSDK.track('e' + i, {text: 'x'.repeat(1000)})")
    assert run(browser, "return await marketingSDK.flush()") is True
    assert receiver.names() == [f"e{i}" for i in range(10)]
    assert browser.execute_script("return errors") == []


def test_a_script_tag_with_data_attributes_is_enough(site, receiver, chromium):
    site.files["/tag"] = ("text/html", f"{HEAD}<script src='/growthbench.js' data-api-key='gbw_key' data-app-id='shop'"
                          f" data-host='{receiver.url}'></script>")  # fmt: skip
    chromium.get(site.url + "/tag")
    assert receiver.wait_for(1) == 1
    assert receiver.messages[0]["context"]["app"] == {"name": "shop"}
    chromium.execute_script("localStorage.clear()")


STUB = (Path(__file__).parents[2] / "sdk" / "examples" / "snippet.html").read_text()


def test_the_snippet_keeps_calls_made_before_the_file_has_come(site, receiver, chromium):
    site.files["/snippet"] = ("text/html", HEAD + STUB.replace("https://growth.example.com/sdk", "").replace(
        "https://growth.example.com", receiver.url).replace("gbw_YOUR_WRITE_KEY", "gbw_key"))  # fmt: skip
    chromium.get(site.url + "/snippet")
    assert receiver.wait_for(2) == 2
    assert kinds(receiver) == ["page", "page_ready"]
    assert chromium.execute_script("return errors") == []
    chromium.execute_script("localStorage.clear()")


def test_a_file_that_never_comes_breaks_no_page(site, chromium):
    site.files["/snippet"] = ("text/html", HEAD + STUB.replace("https://growth.example.com/sdk", "/missing"))
    chromium.get(site.url + "/snippet")
    chromium.execute_script("marketingSDK.track('e'); marketingSDK.identify('u');")
    assert chromium.execute_script("return errors") == []


def test_pages_that_come_back_from_the_cache_go_on(page, receiver, site, chromium):
    browser = page("/", "pageViews: false, flushIntervalMs: 60000")
    browser.execute_script("marketingSDK.track('before')")
    chromium.get(site.url + "/empty")
    assert receiver.wait_for(1) == 1
    chromium.back()
    chromium.execute_script("marketingSDK.track('after')")
    assert run(chromium, "return await marketingSDK.flush()") is True
    assert receiver.names() == ["before", "after"]
