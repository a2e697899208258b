import gzip

import pytest

from growthbench.base.errors import DataFormatError, NotReadyError
from growthbench.datasets.files import find_sample, read_files

CONTENT = b"a,y\n1,no\n2,yes\n"


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_in_the_data_home_is_read_plain_or_gzipped(tmp_path, data_file, table_entry, packed):
    path = tmp_path / "set" / ("rows.csv.gz" if packed else "rows.csv")
    path.parent.mkdir()
    path.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    assert read_files(table_entry(data_file(CONTENT)), tmp_path) == {"set/rows.csv": CONTENT}


def test_a_changed_file_is_refused_with_both_digests(tmp_path, data_file, table_entry):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "rows.csv").write_bytes(CONTENT + b"3,no\n")
    file = data_file(CONTENT)
    with pytest.raises(DataFormatError, match=rf"not the published file.*expected {file.sha256}"):
        read_files(table_entry(file), tmp_path)


def test_a_broken_gzip_is_refused(tmp_path, data_file, table_entry):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "rows.csv.gz").write_bytes(gzip.compress(CONTENT)[:-9])
    with pytest.raises(DataFormatError, match="not a complete gzip"):
        read_files(table_entry(data_file(CONTENT)), tmp_path)


def test_a_sample_is_found_above_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "made_up_sample.txt").write_text("x")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    assert find_sample("data/made_up_sample.txt") == tmp_path / "data" / "made_up_sample.txt"
    with pytest.raises(NotReadyError, match="inside a checkout"):
        find_sample("data/no_such_sample.txt")
