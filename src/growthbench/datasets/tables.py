"""CSV tables as the registry says they are read."""

import io

import pandas as pd

from growthbench.datasets.registry import Entry


def read_table(entry: Entry, content: bytes) -> pd.DataFrame:
    """Frame of one CSV file: only the markers named in the registry (and the empty text) are missing values."""
    read = entry.read
    markers = ["", *read.get("missing", ())]
    how = {"sep": read.get("separator", ","), "encoding": read.get("encoding", "utf-8")}
    columns = pd.read_csv(io.BytesIO(content), nrows=0, **how).columns
    frame = pd.read_csv(
        io.BytesIO(content),
        **how,
        keep_default_na=False,
        na_values={c: [*markers, *read.get("missing_in", {}).get(c, ())] for c in columns},
        float_precision="round_trip",
    )
    for name in read.get("days", ()):
        moments = pd.to_datetime(frame[name], format="%d/%m/%Y")
        frame[name] = moments.astype("datetime64[s]").astype("int64") // 86_400
    return frame
