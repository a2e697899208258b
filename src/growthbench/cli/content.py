"""Verbs write, content and optimize: texts from facts, the library, and better prompts."""

import getpass
from pathlib import Path

import click

from growthbench.cli.options import home_option, settings
from growthbench.cli.output import emit, json_option

_NAMES = ["topic", "audience", "goal", "keyword", "platform", "tone", "call_to_action", "link", "company"]


def _brief_options(command):
    for name in reversed(_NAMES):
        how = {"required": True} if name == "topic" else {"default": ""}
        command = click.option(f"--{name.replace('_', '-')}", **how)(command)
    return command


@click.command("write")
@click.argument("kind")
@_brief_options
@click.option("--fact", "facts", multiple=True, help="a question whose answer must be in; may be given several times")
@click.option("--collection", "collections", multiple=True, help="where facts may come from (default: product_docs)")
@click.option("--restricted", is_flag=True, help="quote documents that only your role may read")
@click.option("--role", help="who asks: documents for other roles are not seen")
@click.option("--seed", default=0, show_default=True)
@click.option("--keep/--no-keep", default=True, show_default=True, help="put the variants into the library")
@home_option
@json_option
def write_command(kind, facts, collections, restricted, role, seed, keep, home, as_json, **named):
    """Write a KIND (blog landing_page ad_copy email social retention) in three variants from what the documents say."""
    from growthbench.workbench.writing import write_piece

    told = {"kind": kind, **named, "facts": facts, "restricted": restricted}
    brief = told | ({"collections": collections} if collections else {})
    with _Asking(home) as asker:
        piece = write_piece(asker, brief, by=_who(), role=role, seed=seed, keep=keep)
    emit(piece.to_dict(), as_json, str(piece))


@click.group("content")
def content_command():
    """Show and decide about what the library holds."""


@content_command.command("list")
@click.option("--kind")
@click.option("--status", help="draft, needs_review, approved or refused")
@click.option("--limit", default=20, show_default=True)
@home_option
@json_option
def list_command(kind, status, limit, home, as_json):
    """List the newest versions."""
    from growthbench.content.library import list_content

    with _Opened(home) as (here, store):
        found = list_content(store, here.tenant, kind=kind, status=status, limit=limit)
    lines = [f"{a.content_id}  v{a.version}  {a.status:12}  {a.content_type:12}  {a.title[:60]}" for a in found]
    emit([a.to_dict() for a in found], as_json, "\n".join(lines) or "nothing is in the library yet")


@content_command.command("show")
@click.argument("content_id")
@click.option("--version", type=int)
@home_option
@json_option
def show_command(content_id, version, home, as_json):
    """Show one text with its findings and decisions."""
    from growthbench.content.library import decisions_of, get

    with _Opened(home) as (here, store):
        asset, decided = get(store, here.tenant, content_id, version), decisions_of(store, here.tenant, content_id)
    lines = [f"{asset.content_id} version {asset.version}, {asset.status}, by {asset.created_by}", "", asset.body, ""]
    lines += [f"! {one}" for one in asset.metadata.get("findings", [])]
    lines += [
        f"{one['at'][:19]} v{one['version']} {one['status']} by {one['decided_by']} {one['reason']}" for one in decided
    ]
    emit(asset.to_dict() | {"decisions": decided}, as_json, "\n".join(lines))


def _deciding(name: str, about: str):
    @content_command.command(name, help=about)
    @click.argument("content_id")
    @click.option("--reason", default="")
    @click.option("--version", type=int)
    @home_option
    @json_option
    def command(content_id, reason, version, home, as_json):
        from growthbench.content import library

        with _Opened(home) as (here, store):
            asset = getattr(library, name)(store, here.tenant, content_id, _who(), reason, version)
        emit(asset.to_dict(), as_json, f"{asset.content_id} version {asset.version} is {asset.status}")

    return command


approve_command = _deciding("approve", "Say that a version may go out.")
refuse_command = _deciding("refuse", "Say that a version may not go out.")


@content_command.command("prompts")
@click.argument("program")
@click.option("--serve", type=click.IntRange(0), help="let this version speak from now on; 0: the program as written")
@click.option("--compare", nargs=2, type=click.IntRange(0), help="ask two versions the same examples (A/B)")
@click.option("--budget", default="0.00", show_default=True, help="USD that --compare may cost at most")
@click.option("--questions", type=click.Path(path_type=Path), help="labelled questions for answers")
@home_option
@json_option
def prompts_command(program, serve, compare, budget, questions, home, as_json):
    """List the versions of PROGRAM's prompt, choose the one that speaks, or compare two."""
    from growthbench.workbench.writing import compare_versions, prompt_versions

    with _Asking(home) as asker:
        if compare:
            found = compare_versions(asker, program, *compare, budget, questions=questions).to_dict()
            text = "{first} {score_first:.3f}, {second} {score_second:.3f}: {verdict} ({lo:+.3f} to {hi:+.3f})"
            return emit(found, as_json, text.format(**found))
        versions = prompt_versions(asker, program, serve)
    lines = [f"{program}@{one['version']}{'  speaks' if one['speaks'] else ''}" for one in versions]
    return emit(versions, as_json, "\n".join(lines) or f"{program} speaks as it was written; nothing was accepted yet")


@click.command("optimize")
@click.argument("program")
@click.option("--budget", required=True, help="USD that this may cost at most, such as 2.00")
@click.option("--questions", type=click.Path(path_type=Path), help="labelled questions for answers")
@click.option("--most", type=click.IntRange(12, 10_000), default=60, show_default=True, help="examples used at most")
@click.option("--seed", default=0, show_default=True)
@click.option("--force", is_flag=True, help="begin although the projection is over the budget, which still holds")
@home_option
@json_option
def optimize_command(program, budget, questions, most, seed, force, home, as_json):
    """Compile a better prompt for PROGRAM (answers, or a kind of content), if held-out examples show that it is."""
    from growthbench.workbench.writing import optimize_program

    with _Asking(home) as asker:
        done = optimize_program(
            asker, program, budget, questions=questions, force=force, seed=seed, most=most,
            say=lambda text: click.echo(text, err=True),
        )  # fmt: skip
    emit(done.to_dict(), as_json, f"{done.program}: {done.why}")


class _Opened:
    """The settings and the open store of a home."""

    def __init__(self, home):
        self.here = settings(home)

    def __enter__(self):
        from growthbench.store.engine import open_store

        self.store = open_store(self.here.database_url)
        return self.here, self.store

    def __exit__(self, *exc):
        self.store.close()


class _Asking(_Opened):
    """A knowledge base ready to be asked; what takes time is said on stderr."""

    def __enter__(self):
        from growthbench.workbench.ask import Asker

        here, store = super().__enter__()
        return Asker(store, here, lambda text: click.echo(text, err=True))


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"
