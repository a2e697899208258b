"""Errors, settings, ids, amounts, statistics and the run record: no I/O, no heavy imports."""
