"""Verbs that show: demo and ui."""

import os
import subprocess
import sys
from pathlib import Path

import click

from growthbench.cli.options import PORT, home_option, settings


@click.command("demo")
@click.option("--port", type=PORT, default=3000, show_default=True)
@click.option("--once", is_flag=True, help="stop after the sample call")
@home_option
def demo_command(port, once, home):
    """Run the pipeline, deploy the four models, serve them and answer a sample call."""
    from growthbench.workbench.demo import run_demo

    run_demo(settings(home), Path.cwd(), port, once)


@click.command("ui")
@click.option("--port", type=PORT, default=5000, show_default=True)
@home_option
def ui_command(port, home):
    """Open the MLflow page over this home's runs."""
    here = settings(home)
    here.home.mkdir(parents=True, exist_ok=True)
    click.echo(f"MLflow over {here.tracking_url} on http://127.0.0.1:{port}; stop with Ctrl-C")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", here.tracking_url, "--default-artifact-root", str(here.home / "mlruns")]
    raise SystemExit(subprocess.call(command, env={**os.environ, "GROWTHBENCH_HOME": str(here.home)}))
