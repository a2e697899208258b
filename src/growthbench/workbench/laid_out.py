"""A source laid out in a folder for the pipeline: a lake of events, or ``table.parquet`` with ``table.json``."""

from pathlib import Path

from growthbench.base.errors import DataFormatError
from growthbench.base.jsonio import read_json, write_json
from growthbench.workbench.source import Source


def write_laid_out(source: Source, out: Path) -> None:
    """Write a table source into a folder; a log source was laid out there when it was opened."""
    if source.table is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    story = {k: v for k, v in vars(source.table).items() if k != "frame"}
    source.table.frame.to_parquet(out / "table.parquet", index=False)
    write_json({"source": source.spec, **story, "known_leaks": dict(story["known_leaks"])}, out / "table.json")


def open_laid_out(folder: Path) -> Source:
    """Read what `lay_out` wrote.

    Raises
    ------
    DataFormatError
        The folder holds neither a lake nor a table.
    """
    if (folder / "table.json").is_file():
        import pandas as pd

        from growthbench.datasets.table import Table

        story = read_json(folder / "table.json")
        spec = story.pop("source")
        story |= {k: tuple(story[k]) for k in ("drop", "changes", "cautions")}
        return Source(spec, table=Table(frame=pd.read_parquet(folder / "table.parquet"), **story))
    if (folder / "source.json").is_file():
        from growthbench.events.lake import Lake

        spec = read_json(folder / "source.json")["source"]
        return Source(spec, lake=Lake(folder, spec))
    raise DataFormatError(f"{folder} holds neither a lake nor a table: run the data stage first", field="data")
