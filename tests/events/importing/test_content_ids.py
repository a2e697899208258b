from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from growthbench.events.content_ids import ContentIds

CELLS = st.one_of(st.none(), st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=3))
ROWS = st.lists(st.tuples(CELLS, CELLS, st.one_of(st.none(), st.integers(-3, 3))), max_size=30)


def ids(rows, cuts=()):
    maker, made = ContentIds(), []
    borders = [0, *sorted(min(c, len(rows)) for c in cuts), len(rows)]
    for start, end in pairwise(borders):
        part = rows[start:end]
        events = {
            "person": pa.array([r[0] for r in part], pa.string()),
            "n": pa.array([r[2] for r in part], pa.int64()),
        }
        made += maker.of(events, {"plan": pa.array([r[1] for r in part], pa.string())}).to_pylist()
    return made


@given(ROWS, st.lists(st.integers(0, 30), max_size=5))
def test_ids_do_not_depend_on_the_pieces(rows, cuts):
    assert ids(rows) == ids(rows, cuts)


@given(ROWS)
def test_every_row_has_its_own_id_and_equal_content_shares_the_stem(rows):
    made = ids(rows)
    assert len(set(made)) == len(rows)
    stems = [i.split("-")[0] for i in made]
    assert len(set(stems)) == len(set(rows))
    assert len(set(zip(stems, rows))) == len(set(rows))


@given(ROWS, ROWS)
def test_the_same_rows_have_the_same_ids_in_another_file(rows, others):
    mine, theirs = ids(rows), ids(others + rows)
    assert set(mine) <= set(theirs)
