"""Logs: one JSON object a line, personal data and secrets masked, files that do not grow for ever.

Whatever a library logs passes the same mask: it looks at the finished line, not at what somebody thought of.
"""

import contextlib
import fcntl
import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

_NAMES = "password|passwd|secret|token|api[_-]?key|authorization|totp"
MASKS = (
    (re.compile(r"\b(gb[ws]_[A-Za-z0-9]+)_[A-Za-z0-9_-]{10,}"), r"\1_***"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"), "whsec_***"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"), "<token>"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 ***"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@"), r"\1:***@"),
    (re.compile(rf"(?i)([\"']?\b(?:{_NAMES})\b[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;&}}\])]+)"), r"\1***"),
    (re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}"), "<email>"),
    # With a + and a country, or in groups: a bare run of digits is a number, an id or a time.
    (re.compile(r"(?<![\w.])\+\d[\d ()/.-]{6,18}\d(?!\w)"), "<phone>"),
    (re.compile(r"(?<![\w.:-])\(?0\d{1,4}\)?[ /-]\d{2,4}(?:[ -]\d{2,5}){1,3}(?![\w:-])"), "<phone>"),
    (re.compile(r"(?<![\w.:-])\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?![\w:-])"), "<phone>"),
)
"""What is never written to a log, and what is written in its place."""

MOST_BYTES, MOST_FILES = 50 * 1024 * 1024, 5
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_REQUEST = re.compile(r"\brequest (req_[0-9a-f]{24}|[A-Za-z0-9._-]{1,64}):")


def masked(text: str) -> str:
    """A text without e-mail addresses, phone numbers, keys, tokens and passwords.

    >>> masked("ann@example.org called +49 30 123456 with Bearer abcdef123456")
    '<email> called <phone> with Bearer ***'
    """
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return text


class JsonLines(logging.Formatter):
    """A record as one line of JSON: ``time level logger message pid``, and ``request_id error stack`` where known."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        message = record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"time": at.replace("+00:00", "Z"), "level": record.levelname.lower(), "logger": record.name,
                "message": masked(message), "pid": record.process}  # fmt: skip
        request_id = getattr(record, "request_id", None)
        if request_id is None and (named := _REQUEST.search(message)):
            request_id = named[1]
        if request_id:
            told["request_id"] = request_id
        if record.exc_info and record.exc_info[0] is not None:
            told["error"] = record.exc_info[0].__name__
            told["stack"] = masked(self.formatException(record.exc_info))
        more = {k: v for k, v in vars(record).items() if k not in _OWN and k != "request_id" and k[0] != "_"}
        told |= {k: v if isinstance(v, int | float | bool | None) else masked(str(v)) for k, v in more.items()}
        return json.dumps(told, ensure_ascii=False, default=str)


class SharedFile(logging.Handler):
    """A log file that several workers write, rotated by whoever finds it too large.

    Parameters
    ----------
    path : Path
    most_bytes : int
        The file becomes ``path.1`` before it would grow larger, that one ``path.2`` and so on.
    most_files : int
        How many old ones are kept.
    """

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES):
        super().__init__()
        self._path, self._most_bytes, self._most_files = Path(path), most_bytes, most_files
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, whole: one write in append mode is not mixed with another worker's."""
        try:
            line = (self.format(record) + "\n").encode()
            if self._is_full(len(line)):
                self._rotate(len(line))
            os.write(self._file, line)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            os.close(self._file)
        super().close()

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)

    def _is_full(self, more: int) -> bool:
        mine = os.fstat(self._file)
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            there = None
        if there is None or there.st_ino != mine.st_ino:  # another worker rotated
            os.close(self._file)
            self._file = self._open()
            mine = os.fstat(self._file)
        return mine.st_size + more > self._most_bytes and mine.st_size > 0

    def _rotate(self, more: int) -> None:
        with open(self._path.with_name(self._path.name + ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_full(more):  # somebody else was first
                return
            for n in range(self._most_files, 0, -1):
                old = self._old(n)
                if old.exists():
                    old.unlink() if n == self._most_files else old.rename(self._old(n + 1))
            self._path.rename(self._old(1))
            os.close(self._file)
            self._file = self._open()

    def _old(self, n: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{n}")


def set_up_logs(level: int = logging.INFO) -> None:
    """Send everything that is logged to standard error as JSON lines, and to the file ``GROWTHBENCH_LOG_FILE`` names.

    Ours from ``level`` on, others' warnings. Called where a process begins, never at import. ``GROWTHBENCH_LOG_FORMAT``
    set to ``text`` writes lines for people; masked all the same.
    """
    handlers: list[logging.Handler] = [_ToStderr()]
    if named := os.environ.get("GROWTHBENCH_LOG_FILE"):
        handlers.append(SharedFile(Path(named).expanduser()))
    root, text = logging.getLogger(), os.environ.get("GROWTHBENCH_LOG_FORMAT") == "text"
    for old in root.handlers[:]:
        if type(old) in (logging.StreamHandler, _ToStderr, SharedFile):  # BentoML's plain one, or ours from before
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        handler.setFormatter(_MaskedText(_TEXT) if text else JsonLines())
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("growthbench").setLevel(level)
    for name in ("bentoml", "uvicorn", "uvicorn.error", "uvicorn.access", "circus"):
        other = logging.getLogger(name)  # they bring handlers of their own
        other.handlers.clear()
        other.propagate = True


_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class _MaskedText(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class _ToStderr(logging.StreamHandler):
    """Standard error as it is now, not as it was when logging began."""

    def __init__(self):
        logging.Handler.__init__(self)

    @property
    def stream(self):
        return sys.stderr
