"""Fetch one pinned file into the data home: bytes checked as they come and again as they are kept."""

import gzip
import hashlib
import io
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from growthbench.base.errors import DataFormatError, NotReadyError
from growthbench.datasets.registry import DataFile

TIMEOUT_S = 30


def fetch(name: str, file: DataFile, data_home: Path) -> bytes:
    """Content of a file that is not in the data home yet; kept there as ``path.gz``.

    Parameters
    ----------
    name : str
        Data set, for messages.
    file : DataFile
        Its pinned address, both digests, and the way from one to the other.
    data_home : Path
        Folder to keep it in; made if missing.

    Raises
    ------
    NotReadyError
        No network, another answer than the pinned bytes, or a source that has to be converted by hand.
    DataFormatError
        The pinned bytes came but do not hold the published content.
    """
    if file.source.how == "by_hand":
        source = f"Its source {file.source.address} is" if file.source.address else "It is"
        raise NotReadyError(f"{_missing(name, file, data_home)}. {source} {file.source.hint}")
    content = _CONVERT[file.source.how](_download(name, file, data_home), file)
    if (found := hashlib.sha256(content).hexdigest()) != file.sha256:
        raise DataFormatError(f"{file.source.address} does not hold {file.path}: sha256 {found}, not {file.sha256}")
    _keep(content, data_home / f"{file.path}.gz")
    return content


def _download(name: str, file: DataFile, data_home: Path) -> bytes:
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("WARNING")
    with tempfile.TemporaryDirectory(prefix="growthbench-fetch-") as folder:
        try:
            path = pooch.retrieve(
                file.source.address,
                known_hash=f"sha256:{file.source.sha256}",
                fname="download",
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=TIMEOUT_S),
            )
        except (RequestException, OSError, ValueError) as exc:  # pooch: ValueError for a wrong hash
            reason = " ".join(str(exc).split())
            raise NotReadyError(
                f"{_missing(name, file, data_home)}, or allow access to {file.source.address} ({reason[:200]})"
            ) from exc
        return Path(path).read_bytes()


def _missing(name: str, file: DataFile, data_home: Path) -> str:
    return (
        f"{name} is not in the data home: put {PurePosixPath(file.path).name} (sha256 {file.sha256}, "
        f"{file.bytes:,} bytes, gzip allowed) at {data_home / file.path}, "
        "set GROWTHBENCH_DATA_HOME to a folder that has it"
    )


def _zip_member(raw: bytes, file: DataFile) -> bytes:
    wanted = PurePosixPath(file.path).name
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return archive.read(next(n for n in archive.namelist() if PurePosixPath(n).name == wanted))
    except (zipfile.BadZipFile, StopIteration) as exc:
        raise DataFormatError(f"{file.source.address} is not a zip file that holds {wanted}") from exc


def _tar_member(raw: bytes, file: DataFile) -> bytes:
    wanted = PurePosixPath(file.path).name
    try:
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            found = next(m for m in archive.getmembers() if PurePosixPath(m.name).name == wanted and m.isfile())
            return archive.extractfile(found).read()
    except (tarfile.TarError, StopIteration) as exc:
        raise DataFormatError(f"{file.source.address} is not a tar file that holds {wanted}") from exc


_CONVERT = {
    "as_is": lambda raw, file: raw,
    "zip_member": _zip_member,
    "tar_member": _tar_member,
    "unix_lines": lambda raw, file: raw.replace(b"\r\n", b"\n"),
    "strip_trailing_comma": lambda raw, file: raw.replace(b",\r\n", b"\n"),
}


def _keep(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(gzip.compress(content, mtime=0))
    part.replace(path)
