"""The SDKs against real servers: those of `sdk_servers`, and the Door in a process of its own."""

import socket
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(ROOT / "sdk" / "python" / "src"))

import sdk_servers  # noqa: E402


@pytest.fixture
def receiver():
    """A server that takes events in and behaves as it is told."""
    with sdk_servers.Receiver() as running:
        yield running


@pytest.fixture
def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def node(require_or_skip):
    """Run JavaScript under Node: ``node(code, url)``; JSON it prints comes back; ending badly fails the test."""
    import json
    import shutil
    import subprocess

    found = shutil.which("node")
    if found is None:
        require_or_skip("browser", "there is no node on the PATH")

    def run(code, *args, cwd=None, within_s=60):
        script = f"const sdk = require({json.dumps(str(ROOT / 'sdk' / 'javascript' / 'growthbench.js'))});\n" + (
            "process.on('unhandledRejection', (e) => { console.error(e); process.exit(70); });\n"
            "const sleep = (ms) => new Promise((done) => setTimeout(done, ms));\n"
            "const args = process.argv.slice(1);\n"
            "const QUICK = {apiKey: 'gbw_key', host: args[0], flushIntervalMs: 20, timeoutMs: 1000,\n"
            "               retryFirstMs: 20, retryLongestMs: 100};\n"
            f"(async () => {{\n{code}\n}})();\n"
        )
        done = subprocess.run(
            [found, "-e", script, *map(str, args)], capture_output=True, text=True, timeout=within_s, cwd=cwd
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]

    return run


@pytest.fixture(scope="session")
def chromium(require_or_skip, tmp_path_factory):
    """A headless Chromium."""
    import shutil

    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException

    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        require_or_skip("browser", "there is no chromium or no chromedriver on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    except WebDriverException as exc:
        require_or_skip("browser", str(exc).splitlines()[0])
    running.set_script_timeout(30)
    yield running
    running.quit()


@pytest.fixture(scope="session")
def npm(require_or_skip, tmp_path_factory):
    """A folder where the packages of ``npm/package.json`` are installed."""
    import shutil
    import subprocess

    command = shutil.which("npm")
    if command is None:
        require_or_skip("npm", "there is no npm on the PATH")
    folder = tmp_path_factory.mktemp("npm")
    shutil.copy(Path(__file__).parent / "npm" / "package.json", folder)
    how = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--fetch-retries=1"]
    try:
        subprocess.run([command, "install", *how], cwd=folder, capture_output=True, text=True, timeout=240, check=True)
    except subprocess.SubprocessError as exc:
        require_or_skip("npm", f"npm could not install: {exc}: {(exc.stderr or '')[-300:]}")
    return folder


@pytest.fixture
def house(tmp_path, store_url, free_port):
    """A home with a write and a secret key, and a Door for it that is not started yet; once per database."""
    from sdk_house import House

    with House(tmp_path, store_url, free_port) as made:
        yield made


@pytest.fixture(scope="session")
def door(tmp_path_factory):
    """A Door on SQLite that serves a churn model, shared by the tests that do not mind each other."""
    from sdk_house import House

    folder = tmp_path_factory.mktemp("door")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with House(folder, f"sqlite:///{folder / 'store.db'}", port) as house:
        house.deploy_churn(folder / "churn")
        yield house.start()
