"""Recorded conversations: what a model answered once, kept in a file, said again without it.

The file is JSON, sorted, with masked prompts beside the replies, so that it can be read, reviewed and committed.
"""

import threading
from pathlib import Path
from typing import Any

from growthbench.base.errors import DataFormatError
from growthbench.base.jsonio import read_json, write_json
from growthbench.language.errors import NotRecordedError
from growthbench.language.wire import Reply

FORMAT = 1


class Transcript:
    """A file of recorded replies.

    Parameters
    ----------
    path : Path
    recording : bool, default False
        True: replies are added and the file written after each; False: replies are read, nobody is asked.
    """

    def __init__(self, path: str | Path, recording: bool = False):
        self.path, self.recording = Path(path), recording
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Any]] = {}
        if self.path.is_file():
            self._entries = _read(self.path)
        elif not recording:
            raise NotRecordedError(f"there is no transcript at {self.path}: record it with record:{self.path}")

    @classmethod
    def told(cls, setting: str | None) -> "Transcript | None":
        """From ``record:FILE`` or ``replay:FILE``."""
        if not setting:
            return None
        mode, _, path = setting.partition(":")
        return cls(path, recording=mode == "record")

    def find(self, key: str, program: str | None) -> tuple[str, Reply]:
        """Model and reply of a recorded request.

        Raises
        ------
        NotRecordedError
            The request was not recorded.
        """
        entry = self._entries.get(key)
        if entry is None:
            same = sum(entry["program"] == program for entry in self._entries.values())
            raise NotRecordedError(
                f"{self.path} holds no reply to this request of {program or 'a bare prompt'} ({key[:12]}; it holds "
                f"{same} others of it): the prompt has changed since it was recorded; record it again"
            )
        return entry["model"], Reply.of(entry["reply"])

    def add(self, key: str, program: str | None, model: str, request: dict[str, Any], reply: Reply) -> None:
        """Record a reply."""
        with self._lock:
            self._entries[key] = {"program": program, "model": model, "request": request, "reply": reply.told()}
            write_json({"format": FORMAT, "entries": dict(sorted(self._entries.items()))}, self.path)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        told = read_json(path)
        entries = told["entries"]
        if told["format"] != FORMAT:
            raise DataFormatError(f"{path} is a transcript of format {told['format']}, this version reads {FORMAT}")
        for entry in entries.values():
            Reply.of(entry["reply"])
            entry["program"], entry["model"]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        if isinstance(exc, DataFormatError):
            raise
        raise DataFormatError(f"{path} is not a transcript: {exc}") from exc
    return entries
