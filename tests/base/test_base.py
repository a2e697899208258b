import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.amounts import minor_units
from growthbench.base.clock import to_iso, to_us
from growthbench.base.errors import BadInputError, SettingsError, UnknownNameError
from growthbench.base.ids import bucket_of, digest, folder_digest, new_id
from growthbench.base.jsonio import canonical, read_json, write_json
from growthbench.base.settings import Settings, find_home


@given(st.integers(-(10**13), 10**13))
def test_minor_units_are_exact(cents):
    assert minor_units(Decimal(cents) / 100) == cents
    assert minor_units(str(Decimal(cents) / 100)) == cents


@given(st.integers(-(10**9), 10**9))
def test_minor_units_of_a_float_follow_its_shortest_text(cents):
    assert minor_units(cents / 100) == cents


TOO_FINE = ("1.234", "0." + "0" * 40 + "1", "1." + "0" * 1200 + "1")


@pytest.mark.parametrize("bad", [*TOO_FINE, "abc", "", "nan", "inf", None, "1e400", True])
def test_a_bad_amount_is_refused_with_its_field(bad):
    with pytest.raises(BadInputError) as caught:
        minor_units(bad)
    assert caught.value.field == "amount"


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_time_survives_its_text(us):
    assert to_us(to_iso(us)) == us


def test_offsets_are_honoured():
    assert to_us("1970-01-01T01:00:00+01:00") == 0


def test_digest_keeps_parts_apart():
    assert digest("ab", "c") != digest("a", "bc")


def test_folder_digest_sees_names_and_bytes(tmp_path):
    (tmp_path / "a").write_text("1")
    first = folder_digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert folder_digest(tmp_path) != first


def test_bucket_is_crc32_of_utf8():
    assert [bucket_of(p) for p in ("", "a")] == [0, 0xE8B7BE43 % 64]


def test_ids_sort_by_time():
    ids = [new_id("x") for _ in range(3)]
    assert len(set(ids)) == 3
    assert [i[:14] for i in ids] == sorted(i[:14] for i in ids)


def test_unknown_name_offers_the_closest():
    error = UnknownNameError("task", "chrun", ["churn", "intent"])
    assert "did you mean 'churn'?" in str(error)
    assert "intent" in str(error)


def test_canonical_json_refuses_nan_and_sorts():
    assert canonical({"b": 1, "a": [1.5, "é"]}) == '{"a":[1.5,"é"],"b":1}'
    with pytest.raises(ValueError, match="Out of range"):
        canonical(float("nan"))


def test_json_files_are_written_whole(tmp_path):
    write_json({"a": 1}, tmp_path / "deep" / "x.json")
    with pytest.raises(ValueError, match="Out of range"):
        write_json({"a": float("inf")}, tmp_path / "deep" / "x.json")
    assert read_json(tmp_path / "deep" / "x.json") == {"a": 1}
    assert os.listdir(tmp_path / "deep") == ["x.json"]


def test_home_is_the_nearest_that_exists(tmp_path, monkeypatch):
    monkeypatch.delenv("GROWTHBENCH_HOME")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_home(deep) == deep / ".growthbench"
    (tmp_path / "a" / ".growthbench").mkdir()
    assert find_home(deep) == tmp_path / "a" / ".growthbench"
    monkeypatch.setenv("GROWTHBENCH_HOME", str(tmp_path / "named"))
    assert find_home(deep) == tmp_path / "named"


def test_settings_name_the_bad_scheme(monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_DATABASE_URL", "mysql://x")
    with pytest.raises(SettingsError, match="mysql"):
        Settings.read()
    monkeypatch.setenv("GROWTHBENCH_DATABASE_URL", "postgres://h/db")
    assert Settings.read().database_url == "postgresql+psycopg://h/db"


def test_importing_growthbench_is_light():
    code = "import sys, growthbench; print(sorted(m for m in sys.modules if '.' not in m))"
    source = Path(__file__).parents[2] / "src"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(source)}
    )
    heavy = ("pandas", "numpy", "sqlalchemy", "mlflow", "bentoml", "duckdb", "ibis", "sklearn", "xgboost")
    assert not [m for m in heavy if f"'{m}'" in found.stdout], found.stdout
