"""Where a run came from: commit and uncommitted changes, lock files, the package's own code, what is installed."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest, file_digest

_PACKAGE = Path(__file__).resolve().parent.parent
_MAX_DIFF = 5_000_000  # characters
_MAX_READ = 64 * 1024**2  # bytes of an untracked file; of larger ones the size must do


@dataclass(frozen=True)
class Lineage:
    """Everything but data and parameters that a run's numbers depend on.

    Attributes
    ----------
    tags : mapping of str to str
        ``commit`` (or why there is none), ``dirty`` (``no``, or the digest of what is uncommitted), ``dvc_lock``,
        ``uv_lock`` (SHA-256 or ``none``), ``code`` (digest of the package's sources), ``python``.
    diff : str
        Uncommitted changes against the commit, as git tells them.
    untracked : mapping of str to str
        Files git does not know yet, with their digests.
    code : mapping of str to str
        Digest of every source file of the package, by name.
    packages : mapping of str to str
        Version of every installed distribution.
    files : tuple of Path
        Lock files worth keeping with the run.
    """

    tags: Mapping[str, str]
    diff: str = ""
    untracked: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def read_lineage(project_root: Path | None = None) -> Lineage:
    """Look at the project folder (default: the working directory) and at this interpreter.

    Raises
    ------
    BadInputError
        ``project_root`` is not a folder.
    """
    root = Path(project_root) if project_root else Path.cwd()
    if not root.is_dir():
        raise BadInputError(f"project_root must be a folder, found {root}", field="project_root")
    git, diff, untracked = _git(root)
    code = source_digests()
    dvc_lock, uv_lock = root / "dvc.lock", root / "uv.lock"
    tags = git | {
        "dvc_lock": file_digest(dvc_lock) if dvc_lock.is_file() else "none",
        "uv_lock": file_digest(uv_lock) if uv_lock.is_file() else "none",
        "code": digest(*(part for item in code.items() for part in item)),
        "python": platform.python_version(),
    }
    kept = tuple(file for file in (dvc_lock,) if file.is_file())  # uv.lock is 1 MB and in git: its hash is enough
    return Lineage(tags, diff, untracked, code, installed_packages(), kept)


def source_digests() -> dict[str, str]:
    """SHA-256 of every Python file of growthbench, by its name inside the package."""
    files = sorted(_PACKAGE.rglob("*.py"))
    return {file.relative_to(_PACKAGE).as_posix(): file_digest(file) for file in files}


@cache
def installed_packages() -> dict[str, str]:
    """Version of every distribution this interpreter can import, by lower-case name."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(name.lower().replace("_", "-"), distribution.version)
    return dict(sorted(found.items()))


def _git(root: Path) -> tuple[dict[str, str], str, dict[str, str]]:
    top = _say(root, "rev-parse", "--show-toplevel")
    if top is None:
        return {"commit": "none: not a git checkout", "dirty": "unknown"}, "", {}
    commit = _say(root, "rev-parse", "--verify", "--quiet", "HEAD")
    diff = _say(root, "diff", "--no-color", "--no-ext-diff", *(["HEAD"] if commit else [])) or ""
    names = (_say(root, "ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/") or "").split("\0")
    untracked = {name: _identity(file) for name in names if name and (file := Path(top) / name).is_file()}
    if len(diff) > _MAX_DIFF:
        sha = hashlib.sha256(diff.encode()).hexdigest()
        diff = f"{diff[:_MAX_DIFF]}\n... cut here; the whole diff has {len(diff)} characters, SHA-256 {sha}\n"
    dirty = digest(diff, *(part for item in sorted(untracked.items()) for part in item)) if diff or untracked else "no"
    return {"commit": commit or "none: no commit yet", "dirty": dirty}, diff, untracked


def _identity(file: Path) -> str:
    size = file.stat().st_size
    return file_digest(file) if size <= _MAX_READ else f"{size} bytes"


def _say(root: Path, *words: str) -> str | None:
    """What git answers, None where it refuses or is not installed."""
    try:
        # git's own settings must not change the answer's form; a lock must not be taken beside a user's git.
        command = ["git", "--no-optional-locks", "-c", "core.quotepath=off", *words]
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", errors="replace").strip("\n")
