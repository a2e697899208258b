"""Checks of a text without a model; each gives findings with the characters they are about and what to do."""
