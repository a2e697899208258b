import pytest

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.events.mapping import canonical_mapping, find_mapping, parse_mapping, read_mapping


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("events: {person: a, name: b}", "timestamp"),
        ("events: {person: a, name: b, timestamp: c, amounts: d}", "amounts"),
        ("events: {person: a, name: {}, timestamp: c}", "exactly one of"),
        ("events: {person: a, name: b, timestamp: c}\nproperties: {shoe_size: s}", "shoe_size"),
        ("events: {person: a, name: b, timestamp: c, amount: {column: d, unit: cents}}", "cents"),
        ("events: [", "not YAML"),
        ("", "mapping"),
    ],
)
def test_a_wrong_mapping_is_one_message_that_names_the_place(text, says):
    with pytest.raises(BadInputError, match=says) as caught:
        parse_mapping(text)
    assert "\n" not in str(caught.value)


def test_a_declared_property_brings_its_kind_and_a_new_one_tells_it():
    mapping = parse_mapping(
        "events: {person: a, name: b, timestamp: c}\n"
        "properties: {employees: E, shoe_size: {column: S, kind: int, about: EU size}}"
    )
    assert (mapping.kind_of("employees"), mapping.kind_of("shoe_size")) == ("int", "int")
    assert mapping.columns() == ["a", "b", "c", "E", "S"]


def test_a_mapping_beside_the_file_is_found(tmp_path):
    (tmp_path / "events.mapping.yaml").write_text("events: {person: a, name: b, timestamp: c}")
    assert find_mapping(tmp_path / "events.csv") == read_mapping(tmp_path / "events.mapping.yaml")
    assert find_mapping(tmp_path / "other.csv") is None


def test_a_mapping_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(BadInputError, match="cannot read mapping"):
        read_mapping(tmp_path / "none.yaml")


def test_our_own_columns_need_no_mapping_and_others_are_told_so():
    mapping = canonical_mapping(["person", "name", "timestamp", "value.size", "employees"], "parquet", ["timestamp"])
    assert mapping.events.timestamp.format == "us"
    assert {n: mapping.kind_of(n) for n in mapping.properties} == {"size": "text", "employees": "int"}
    with pytest.raises(DataFormatError, match="no person, timestamp: write a mapping"):
        canonical_mapping(["name", "when"], "csv")
