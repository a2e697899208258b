"""The command line: verbs are loaded when they are called, so that ``--help`` stays quick."""

import sys
from importlib import import_module

import click

from growthbench.base.errors import GrowthbenchError
from growthbench.base.settings import be_quiet

VERBS = {
    "datasets": ("data", "list public data sets, their licences and known leaks"),
    "import": ("data", "bring CSV, JSONL or Parquet into the log"),
    "events": ("data", "count, show and export the log"),
    "features": ("data", "list features, or compute them for a person"),
    "train": ("learn", "train a task on a data source and log the run"),
    "runs": ("learn", "list runs"),
    "review": ("learn", "show only what differs between two runs"),
    "promote": ("learn", "make a run's model the champion, if the gate lets it"),
    "rollback": ("learn", "return to the champion before"),
    "score": ("serve", "score people of the log, one or all"),
    "explain": ("serve", "say why a prediction came out as it did"),
    "ask": ("ask", "answer a question from the documents, with citations"),
    "chat": ("chat", "talk with the assistant, once or line by line"),
    "write": ("content", "write content from what the documents say, in three variants"),
    "content": ("content", "list, show, approve and refuse what was written"),
    "optimize": ("content", "compile a better prompt, if it is one"),
    "serve": ("serve", "serve the champions"),
    "bundle": ("serve", "build a bento that carries the champions"),
    "keys": ("tenancy", "make, list, rotate and revoke keys"),
    "tenants": ("tenancy", "make and configure tenants"),
    "members": ("tenancy", "people who work with a tenant's data"),
    "audit": ("tenancy", "read and verify what was done"),
    "erase": ("operations", "erase a person everywhere, or verify a receipt"),
    "backup": ("operations", "back up store, models and configuration"),
    "restore": ("operations", "restore a backup"),
    "rotate": ("operations", "rotate the key ring and seal everything anew"),
    "doctor": ("operations", "look whether everything is in order"),
    "demo": ("demo", "do the main job once, from events to an answered call"),
    "ui": ("demo", "open the MLflow page over this home"),
}


class _Verbs(click.Group):
    def list_commands(self, ctx):
        return list(VERBS)

    def get_command(self, ctx, name):
        if name not in VERBS:
            return None
        module = import_module(f"growthbench.cli.{VERBS[name][0]}")
        return getattr(module, f"{name.replace('-', '_')}_command")

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="growthbench")
def app():
    """An open workbench for marketing models: events in, reviewed decisions out."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 when done, 2 for bad input or refusal, 130 when interrupted."""
    be_quiet()
    try:
        app.main(args=argv, prog_name="growthbench", standalone_mode=False)
    except GrowthbenchError as exc:
        return _fail(str(exc))
    except click.ClickException as exc:
        return _fail(exc.format_message())
    except (OSError, UnicodeError) as exc:
        return _fail(f"{exc.__class__.__name__}: {exc}")
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    return 0


def _fail(message: str, code: int = 2) -> int:
    print("growthbench: " + " ".join(message.split()), file=sys.stderr)
    return code


def run() -> None:
    """Entry point of the console script."""
    sys.exit(main())
