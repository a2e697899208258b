"""Entries of the registry's shape made of small files, so that no public file is needed."""

import hashlib

import pytest

from growthbench.datasets.registry import DataFile, Entry, Source


@pytest.fixture
def data_file():
    """Make a DataFile of some content; the source's bytes are the content unless given."""

    def make(content, path="set/rows.csv", address="http://127.0.0.1:9/rows", how="as_is", raw=None, hint=""):
        sha256 = hashlib.sha256(content).hexdigest()
        raw_sha256 = hashlib.sha256(content if raw is None else raw).hexdigest()
        return DataFile(path, len(content), sha256, Source(address, raw_sha256, how, hint))

    return make


@pytest.fixture
def table_entry():
    """Make an Entry of one file, read as told."""

    def make(file=None, **fields):
        files = (file,) if file else ()
        return Entry("small", "table", "about", "origin", "licence", 2, 2, files=files, label="y", **fields)

    return make
