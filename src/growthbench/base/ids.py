"""Identifiers and digests."""

import hashlib
import os
import time
import zlib
from collections import deque
from pathlib import Path

BUCKETS = 64
_DRAWN = 512
_drawn: deque[bytes] = deque()
os.register_at_fork(after_in_child=_drawn.clear)  # else both processes would give out the same ids


def new_id(prefix: str) -> str:
    """A fresh id such as ``pred_0198f3c1a2b3c4d5e6f70811``: sorts by time of making, 48 bits ms + 48 random."""
    return new_ids(prefix, 1)[0]


def new_ids(prefix: str, n: int) -> list[str]:
    """Fresh ids of one moment, in the order of their text."""
    stamp = f"{prefix}_{(time.time_ns() // 1_000_000).to_bytes(6, 'big').hex()}"
    return [stamp + drawn.hex() for drawn in sorted(_random48(n))]


def _random48(n: int) -> list[bytes]:
    """So many times 6 random bytes of the system, drawn in advance.

    Every call of the system gives the interpreter's lock away and waits for it again, behind whoever computes.
    """
    taken: list[bytes] = []
    while len(taken) < n:
        try:
            taken.append(_drawn.popleft())
        except IndexError:  # another thread may empty it meanwhile: then again
            raw = os.urandom(6 * _DRAWN)
            _drawn.extend(raw[at : at + 6] for at in range(0, len(raw), 6))
    return taken


def digest(*parts: bytes | str) -> str:
    """SHA-256 of the parts, each length-prefixed so that ``("ab", "c")`` and ``("a", "bc")`` differ."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        sha.update(len(raw).to_bytes(8, "big"))
        sha.update(raw)
    return sha.hexdigest()


def file_digest(path: str | os.PathLike) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(path: str | os.PathLike) -> str:
    """SHA-256 over the relative names and bytes of every file in a folder, names in order; compiled Python left out."""
    root = Path(path)
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".pyc")
    return digest(*(part for p in files for part in (p.relative_to(root).as_posix(), file_digest(p))))


def bucket_of(person: str) -> int:
    """Bucket 0..63 of a person: ``crc32(utf-8) % 64``, the same in every language and database."""
    return zlib.crc32(person.encode()) % BUCKETS
