"""Find a data set's files in the data home, check what they hold, fetch what is missing."""

import gzip
import hashlib
import zlib
from pathlib import Path

from growthbench.base.errors import DataFormatError, NotReadyError
from growthbench.datasets.fetching import fetch
from growthbench.datasets.registry import DataFile, Entry


def read_files(entry: Entry, data_home: Path) -> dict[str, bytes]:
    """Checked content of every file of a data set, by path below the data home.

    Each file is looked for as ``data_home/path`` and ``data_home/path.gz``; one that is missing is fetched from its
    pinned address and kept there.

    Raises
    ------
    DataFormatError
        A file's content is not the published one.
    NotReadyError
        A file is missing and cannot be fetched.
    """
    return {file.path: _read(entry.name, file, Path(data_home)) for file in entry.files}


def find_sample(path: str) -> Path:
    """A sample file of the repository, looked for above the working folder and above this package.

    Raises
    ------
    NotReadyError
        It is in neither place, as in an installation without the repository.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / path).is_file():
            return folder / path
    raise NotReadyError(f"{path} is part of the growthbench repository and not of the package: run inside a checkout")


def _read(name: str, file: DataFile, data_home: Path) -> bytes:
    plain = data_home / file.path
    packed = plain.with_name(plain.name + ".gz")
    if plain.is_file():
        return _checked(name, file, plain, plain.read_bytes())
    if packed.is_file():
        return _checked(name, file, packed, _unpacked(packed))
    return fetch(name, file, data_home)


def _unpacked(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as exc:
        raise DataFormatError(f"{path} is not a complete gzip file: {exc}") from exc


def _checked(name: str, file: DataFile, path: Path, content: bytes) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise DataFormatError(
            f"{path} is not the published file of {name}: its uncompressed content has sha256 {found} "
            f"({len(content):,} bytes), expected {file.sha256} ({file.bytes:,} bytes); remove it to fetch it again"
        )
    return content
