"""The samples run: middlewares in real applications, Express under Node, React in a browser; and the types hold."""

import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from growthbench_sdk import MarketingClient

SDK = Path(__file__).parents[2] / "sdk"
sys.path.insert(0, str(SDK / "examples"))

import asgi_middleware  # noqa: E402
import wsgi_middleware  # noqa: E402


@pytest.fixture
def sdk(receiver):
    with MarketingClient("gbw_key", receiver.url, "shop", flush_interval_s=0.02) as made:
        yield made


def get(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.headers, exc.read().decode()


def visit(url, receiver, flush):
    """Two page views of one visitor; what is no page is not told of."""
    status, headers, text = get(f"{url}/pricing?from=mail", Referer="https://news.example/")
    assert (status, text) == (200, "<h1>pricing</h1>")
    cookie = headers["set-cookie"].split(";")[0]
    assert cookie.startswith("visitor=")
    status, headers, _ = get(f"{url}/docs", Cookie=cookie)
    assert (status, headers["set-cookie"]) == (200, None)
    assert get(f"{url}/missing")[0] == 404
    assert get(f"{url}/data.json", Cookie=cookie)[0] == 200
    flush()
    assert [m["type"] for m in receiver.messages] == ["page", "page"]
    first, second = receiver.messages
    assert first["anonymousId"] == second["anonymousId"] == cookie.partition("=")[2]
    assert [m["properties"]["path"] for m in receiver.messages] == ["/pricing", "/docs"]
    assert first["properties"]["referrer"] == "https://news.example/"


def test_the_asgi_middleware_tells_of_pages(sdk, receiver, free_port):
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    async def page(request):
        return HTMLResponse(f"<h1>{request.url.path[1:]}</h1>")

    async def data(request):
        return JSONResponse({})

    app = Starlette(routes=[Route("/pricing", page), Route("/docs", page), Route("/data.json", data)])
    config = uvicorn.Config(asgi_middleware.PageViews(app, sdk), port=free_port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        visit(f"http://127.0.0.1:{free_port}", receiver, sdk.flush)
    finally:
        server.should_exit = True
        thread.join(10)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def test_the_wsgi_middleware_tells_of_pages(sdk, receiver, free_port):
    import flask

    app = flask.Flask("shop")
    app.add_url_rule("/data.json", "data", lambda: {})
    app.add_url_rule("/<name>", "page", lambda name: f"<h1>{name}</h1>" if name != "missing" else flask.abort(404))
    app.wsgi_app = wsgi_middleware.PageViews(app.wsgi_app, sdk)
    with make_server("127.0.0.1", free_port, app, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        visit(f"http://127.0.0.1:{free_port}", receiver, sdk.flush)
        server.shutdown()


def test_the_middlewares_name_the_signed_in_user(sdk, receiver):
    def answer(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b""]

    wsgi_middleware.PageViews(answer, sdk)({"PATH_INFO": "/", "REMOTE_USER": "ada"}, lambda *args: None)

    class User:
        username = "grace"

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})

    async def send(message):
        pass

    scope = {"type": "http", "path": "/", "headers": [], "user": User()}
    asyncio.run(asgi_middleware.PageViews(app, sdk)(scope, None, send))
    sdk.flush()
    assert [m["userId"] for m in receiver.messages] == ["ada", "grace"]


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_the_application_answers_as_ever_when_the_service_is_away(kind, free_port):
    """The host does not notice: no error, no wait."""
    away = MarketingClient("k", f"http://127.0.0.1:{free_port}", max_queue=2, exit_timeout_s=0)
    if kind == "wsgi":
        started = []

        def answer(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/html")])
            return [b"x"]

        app = wsgi_middleware.PageViews(answer, away)
        for _ in range(5):
            assert app({"PATH_INFO": "/"}, lambda *args: started.append(args)) == [b"x"]
        assert len(started) == 5
    else:
        sent = []

        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})

        async def send(message):
            sent.append(message)

        for _ in range(5):
            asyncio.run(asgi_middleware.PageViews(app, away)({"type": "http", "path": "/", "headers": []}, None, send))
        assert len(sent) == 5
    assert away.counts.dropped == {"full": 3}
    away.close(0)


@pytest.fixture
def installed(npm):
    """The npm folder with our package in it, as a host would have it."""
    target = npm / "node_modules" / "growthbench-sdk"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(SDK / "javascript", target)
    return npm


EXPRESS = """
const express = require("express");
const { pageViews } = require(process.argv[1]);
const marketing = pageViews({ apiKey: "gbw_key", host: process.argv[2], flushIntervalMs: 20 });
const app = express();
app.use(marketing);
app.get("/buy", (req, res) => { req.marketing.track("order_completed", { amount: 59.9 }); res.json({}); });
app.get("/data.json", (req, res) => res.json({}));
app.get("/missing", (req, res) => res.status(404).send("no"));
app.get("/:name", (req, res) => res.send(`<h1>${req.params.name}</h1>`));
const server = app.listen(Number(process.argv[3]), "127.0.0.1", () => console.log("listening"));
process.on("SIGTERM", () => server.close(() => marketing.close().then(() => process.exit(0))));
"""


def test_the_express_middleware_tells_of_pages(installed, receiver, free_port):
    shutil.copy(SDK / "examples" / "express.js", installed / "middleware.js")
    command = [shutil.which("node"), "-e", EXPRESS, str(installed / "middleware.js"), receiver.url, str(free_port)]
    with subprocess.Popen(command, cwd=installed, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout.readline() == "listening\n"
            visit(f"http://127.0.0.1:{free_port}", receiver, lambda: receiver.wait_for(2))
            status, headers, _ = get(f"http://127.0.0.1:{free_port}/buy")
            assert status == 200
        finally:
            server.terminate()
        assert server.wait(10) == 0  # what waited was delivered before
    order = receiver.messages[-1]
    assert (order["event"], order["properties"]) == ("order_completed", {"amount": 59.9})
    assert f"visitor={order['anonymousId']}" in headers["set-cookie"]


REACT = """
import { createRoot } from "react-dom/client";
import { useState } from "react";
import { ConsentBanner, Marketing, useTrack } from "./marketing.jsx";

function Buy({ onBuy }) {
  const track = useTrack();
  return <button id="buy" onClick={() => { track("button_clicked", { button_id: "buy" }); onBuy(); }}>Buy</button>;
}

function App() {
  const [user, setUser] = useState(null);
  return (
    <Marketing apiKey="gbw_key" host={window.RECEIVER} requireConsent user={user}>
      <ConsentBanner text="May we count?"><span id="yes">Yes</span></ConsentBanner>
      <Buy onBuy={() => setUser({ id: "u1", traits: { plan: "pro" } })} />
    </Marketing>
  );
}

createRoot(document.getElementById("root")).render(<App />);
"""


def test_the_react_sample_works_in_a_browser(installed, receiver, chromium):
    folder = installed / "react-app"
    folder.mkdir(exist_ok=True)
    shutil.copy(SDK / "examples" / "react" / "marketing.jsx", folder)
    (folder / "app.jsx").write_text(REACT)
    esbuild = [str(installed / "node_modules" / ".bin" / "esbuild"), "app.jsx", "--bundle", "--jsx=automatic",
               "--outfile=app.js", "--log-level=error", '--define:process.env.NODE_ENV="production"']  # fmt: skip
    done = subprocess.run(esbuild, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    receiver.files["/app.js"] = ("text/javascript", (folder / "app.js").read_text())
    scripts = f"<script>window.RECEIVER = '{receiver.url}'</script><script src='/app.js'></script>"
    receiver.files["/app"] = ("text/html", f"<!doctype html><title>Shop</title><div id='root'></div>{scripts}")
    chromium.get(f"{receiver.url}/app")
    chromium.find_element("id", "buy").click()  # before consent: not kept
    chromium.find_element("id", "yes").click()
    chromium.find_element("id", "buy").click()
    assert receiver.wait_for(2) == 2
    assert [m.get("event") or m["type"] for m in receiver.messages] == ["page", "button_clicked"]
    chromium.execute_script("localStorage.clear()")


TYPED = """
import marketingSDK = require("growthbench-sdk");
const sdk: marketingSDK.SDK = marketingSDK.init({ apiKey: "k", onError: (problem) => problem.detail.length });
const taken: boolean = sdk.track("e", { price: 1 }, { userId: "u", timestamp: new Date() });
sdk.identify("u", { plan: "pro" });
sdk.identify({ plan: "pro" });
sdk.page();
sdk.consent(true);
const done: Promise<boolean> = sdk.flush(100);
const other: marketingSDK.Client = marketingSDK.createClient({ apiKey: "k" });
const dropped: number | undefined = other.counts().dropped.full;
// @ts-expect-error a key is needed
marketingSDK.init({});
// @ts-expect-error properties are an object
sdk.track("e", 5);
export { taken, done, dropped };
"""


def test_the_types_say_what_the_file_does(installed, node):
    (installed / "typed.cts").write_text(TYPED)
    tsc = [str(installed / "node_modules" / ".bin" / "tsc"), "--noEmit", "--strict", "--module", "node16",
           "--target", "es2022", "--types", "", "typed.cts"]  # fmt: skip
    done = subprocess.run(tsc, cwd=installed, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    (names,) = node("console.log(JSON.stringify(Object.keys(sdk).sort()))")
    declared = (SDK / "javascript" / "growthbench.d.ts").read_text()
    assert [name for name in names if f"{name}(" not in declared and f"{name}:" not in declared] == []


def test_the_python_package_builds_and_carries_its_types(tmp_path, require_or_skip):
    """A wheel with the package, its marker of types and nothing else."""
    import zipfile

    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    command = [
        uv,
        "build",
        "--wheel",
        "--offline",
        "--no-build-isolation",
        "--out-dir",
        str(tmp_path),
        str(SDK / "python"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode and "hatchling" in done.stderr:
        require_or_skip("hatchling", "the build backend is not in this environment")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "growthbench_sdk/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"growthbench_sdk"}
    metadata = zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith("METADATA"))).decode()
    assert "Requires-Dist" not in metadata


def test_readme_examples_are_short():
    text = (SDK / "python" / "README.md").read_text()
    first = text.split("```python")[1].split("```")[0]
    assert len([line for line in first.splitlines() if line.strip()]) <= 10
    package = json.loads((SDK / "javascript" / "package.json").read_text())
    assert package["types"] == "growthbench.d.ts"
