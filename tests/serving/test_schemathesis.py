"""The OpenAPI document held against the service by schemathesis: no 5xx, every answer as documented."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from growthbench.predictions.deployments import deploy
from growthbench.serving.desk.process import DeskProcess
from growthbench.serving.run import DoorProcess
from growthbench.store.callers import Caller
from growthbench.store.keyring import Keyring
from growthbench.store.members import Members
from growthbench.store.tokens import Tokens

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
    "unsupported_method",
)
NOT_HERE = "/api/agents/health"  # answers 503, as documented: there are no agents
SAMPLE = Path(__file__).parents[2] / "data" / "knowledge" / "product_docs"


@pytest.fixture
def everything(filled, store, settings, artifacts):
    """The home with a model for every task: none of them is 'not ready'."""
    deploy(store, settings.home, "local", "chat_intent", artifacts["chat_intent"], run_id="run-chat")
    return settings


@pytest.fixture
def credentials(everything, store, keys):
    """A secret key, and a token of an admin: what one may not do, the other may."""
    keyring = Keyring.open(everything.home)
    member = Members(store, keyring).create("local", "admin@example.org", "Ann", "admin", "correct horse battery")
    caller = Caller("local", "member", member["member_id"], "admin")
    return {"key": keys["secret"], "admin": Tokens(store, keyring).issue(caller, lifetime_s=7200)}


def bring_in(url, key):
    """Some documents: without any, what the Desk does is 'not ready'."""
    known = {"authorization": f"Bearer {key}"}
    for name in ("pricing.md", "forecast.md"):
        file = {"file": (name, (SAMPLE / name).read_bytes(), "text/markdown")}
        told = {"collection": "product_docs"}
        answer = httpx.post(f"{url}/api/v1/knowledge/documents", files=file, data=told, headers=known, timeout=60)
        assert answer.status_code == 201, answer.text


def held_against(settings, port, tmp_path, bearer, *options, key=None):
    """Run schemathesis against a Door, with documents if there is a ``key``; numbers of operations and requests."""
    with DoorProcess(port, settings, log=tmp_path / "door.log") as door:
        if key is not None:
            bring_in(door.url, key)
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{door.url}/openapi.json", "--seed", "1",
                   "--no-color", "--no-shrink", "--continue-on-failure", "--exclude-path", NOT_HERE,
                   "--suppress-health-check", "filter_too_much",  # paths of one slash are no paths: many are drawn
                   "--header", f"Authorization: Bearer {bearer}", "--checks", ",".join(CHECKS), *options]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Traceback" not in (tmp_path / "door.log").read_text()
    operations = int(re.search(r"Tested: (\d+)", done.stdout)[1])
    return operations, int(re.search(r"(\d+) generated", done.stdout)[1])


def test_examples_are_answered_as_documented(everything, credentials, free_port, tmp_path):
    """Edges and fuzzing are part of `make proof`: they take minutes."""
    with DeskProcess(everything, log=tmp_path / "desk.log", within_s=240):
        key, only = credentials["key"], ("--phases", "examples", "-n", "1")
        operations, cases = held_against(everything, free_port, tmp_path, key, *only, key=key)
    assert operations >= 60
    assert cases >= 60
    assert "Traceback" not in (tmp_path / "desk.log").read_text()


@pytest.mark.proof("schemathesis")
@pytest.mark.parametrize("known_by", ["admin", "key"])
def test_whatever_is_sent_is_answered_as_documented(everything, credentials, free_port, tmp_path, figure, known_by):
    # An admin's token would end with the first logout.
    left_out = ("--exclude-path", "/api/v1/auth/logout") if known_by == "admin" else ()
    with DeskProcess(everything, log=tmp_path / "desk.log"):
        key, options = credentials["key"], ("-n", "150", *left_out)
        operations, cases = held_against(everything, free_port, tmp_path, credentials[known_by], *options, key=key)
    figure(f"operations_{known_by}", operations, at_least=60)
    figure(f"requests_{known_by}", cases, at_least=10_000)
