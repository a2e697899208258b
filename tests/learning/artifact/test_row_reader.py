import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import BadInputError
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder
from growthbench.learning.row_reader import RowReader, values

ENCODER = Encoder(
    [Column("visits", "number"), Column("plan b", "category"), Column("class", "number"), Column("ort", "category")],
    {"plan b": ["free", "pro"], "ort": ["Köln", "münchen"]},
)
READER = RowReader(ENCODER)
DECODE = msgspec.json.Decoder(READER.row).decode
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False), st.integers(), st.booleans(), st.text(max_size=3))
TEXTS = st.one_of(st.none(), st.sampled_from(["free", "pro", "Köln", "x", ""]), st.integers(0, 3))
ROWS = st.fixed_dictionaries({"visits": NUMBERS, "plan b": TEXTS, "class": NUMBERS, "ort": TEXTS})


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_what_the_reader_takes_it_reads_as_the_encoder_does_and_the_rest_the_encoder_refuses_or_reads(rows):
    try:
        read = [values(DECODE(json.dumps(row).encode())) for row in rows]
    except msgspec.MsgspecError:
        return  # the encoder is asked then
    matrix = ENCODER.encode_rows(rows)
    assert READER.matrix(read).tobytes() == matrix.tobytes()
    assert ENCODER.encode(READER.columns(read)).tobytes() == matrix.tobytes()


@pytest.mark.parametrize(
    "row",
    [
        {"visits": 1, "plan b": "pro", "class": 2},
        {"visits": 1, "plan b": "pro", "class": 2, "ort": None, "more": 1},
        {"visits": "1", "plan b": "pro", "class": 2, "ort": None},
        {"visits": True, "plan b": "pro", "class": 2, "ort": None},
        {"visits": 4e38, "plan b": "pro", "class": 2, "ort": None},
        {"visits": 1, "plan b": 3, "class": 2, "ort": None},
    ],
)
def test_what_the_encoder_refuses_the_reader_does_not_take(row):
    with pytest.raises(BadInputError):
        ENCODER.encode_rows([row])
    with pytest.raises(msgspec.ValidationError):
        DECODE(json.dumps(row).encode())


def test_missing_numbers_and_unknown_categories_are_nan():
    row = values(DECODE(b'{"ort": "Bonn", "visits": null, "class": 16777217, "plan b": "pro"}'))
    made = READER.matrix([row])
    assert (made.dtype, made.shape, made.flags.c_contiguous) == (np.float32, (1, 4), True)
    assert [None if math.isnan(v) else v for v in made[0].tolist()] == [None, 1.0, 16777216.0, None]
