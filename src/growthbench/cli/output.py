"""How verbs print: text for people, one JSON object as the last line for machines."""

from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="print one JSON object, last")


def emit(value: Any, as_json: bool, text: str | None = None) -> None:
    """Print ``value`` as one JSON line, or ``text`` for people."""
    if as_json:
        import json

        click.echo(json.dumps(value, ensure_ascii=False, default=str))
    elif text:
        click.echo(text)
