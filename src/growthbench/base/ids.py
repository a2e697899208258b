"""Identifiers and digests."""

import hashlib
import os
import time
import zlib
from pathlib import Path

BUCKETS = 64


def new_id(prefix: str) -> str:
    """A fresh id such as ``pred_0198f3c1a2b3c4d5e6f70811``: sorts by time of making, 48 bits ms + 48 random."""
    stamp = (time.time_ns() // 1_000_000).to_bytes(6, "big")
    return f"{prefix}_{(stamp + os.urandom(6)).hex()}"


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
