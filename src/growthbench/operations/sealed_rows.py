"""Rows of a table in a file: packed, compressed and sealed, piece by piece, so that memory stays small.

A piece is 4 bytes of length and the sealed, compressed MessagePack of ``[table, number, rows]``; the last one has no
rows. So a piece that is missing, moved or of another table is noticed, and nobody reads any of it without the key.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from growthbench.base.errors import ArtifactError
from growthbench.people.vault import PersonKey
from growthbench.store.keyring import KeyringError

PIECE_ROWS = 10_000


def write_rows(path: Path, table: str, pieces: Iterable[Sequence[tuple]], key: PersonKey) -> int:
    """Write a table's rows; returns their number."""
    total = number = 0
    with path.open("wb") as file:
        for number, rows in enumerate(pieces, 1):
            file.write(_framed(key, [table, number, rows]))
            total += len(rows)
        file.write(_framed(key, [table, number + 1, []]))
    return total


def read_rows(path: Path, table: str, key: PersonKey) -> Iterator[list[list]]:
    """The pieces of a file, in order.

    Raises
    ------
    ArtifactError
        It is damaged, cut short, or of another table or backup.
    """
    number = 0
    with path.open("rb") as file:
        while True:
            number += 1
            size = int.from_bytes(file.read(4), "big")
            try:
                found, place, rows = msgspec.msgpack.decode(zlib.decompress(key.unseal(file.read(size))))
            except (KeyringError, zlib.error, msgspec.DecodeError, ValueError) as exc:
                raise ArtifactError(f"{path} is damaged or cut short at piece {number}") from exc
            if (found, place) != (table, number):
                raise ArtifactError(f"{path} is no whole file of {table}: piece {number} is not its own")
            if not rows:
                return
            yield rows


def _framed(key: PersonKey, content: list) -> bytes:
    sealed = key.seal(zlib.compress(msgspec.msgpack.encode(content), 1))
    return len(sealed).to_bytes(4, "big") + sealed
