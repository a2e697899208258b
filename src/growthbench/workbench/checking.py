"""Check a laid-out source against its expectations."""

from pathlib import Path

from growthbench.workbench.laid_out import open_laid_out


def check_data(folder: Path, report: Path) -> None:
    """Check a laid-out source and write what was found into a folder.

    Raises
    ------
    GateError
        A critical expectation failed; the report is written first.
    """
    from growthbench.events.expectations.events import check_events
    from growthbench.events.expectations.tables import check_table

    source = open_laid_out(folder)
    if source.lake is not None:
        found = check_events(source.lake, source.spec)
    else:
        table = source.table
        found = check_table(
            table.frame, table.label, positive=table.positive, key=table.key, text=table.text, name=source.spec
        )
    found.write(report)
    found.require()
