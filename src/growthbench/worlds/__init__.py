"""Simulated companies whose truth is known: two worlds, one event schema, exact probabilities apart from the log."""
