"""The key ring: seals what only this installation may read, and digests what only it may look up."""

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from growthbench.base.errors import ConflictError, GrowthbenchError, SettingsError

VARIABLE = "GROWTHBENCH_KEYRING"
LOOKUP = "lookup"
"""Name under which a ring keeps the one key that never rotates."""

_ID = re.compile(r"[A-Za-z0-9-]{1,32}")
_NONCE = 12
_LOOK_AGAIN_S = 1.0


class KeyringError(GrowthbenchError):
    """Something sealed cannot be opened: altered, sealed about something else, or by a key that is not in the ring."""

    title = "Unreadable seal"


class Keyring:
    """Keys of one installation: AES-256-GCM to seal, HMAC-SHA256 to look up.

    A sealed text begins with the id of its key, so keys can be rotated while old texts stay readable. The key of the
    look-ups never rotates: every stored digest would lose its meaning with it.

    Parameters
    ----------
    keys : mapping of str to bytes
        Key id to 32 bytes, the newest first; it seals, the others only unseal.
    lookup_key : bytes
        32 bytes.
    path : Path, optional
        File that the ring came from and that `rotate` writes; keys that another process adds there are found.

    Examples
    --------
    >>> ring = Keyring({"k1": bytes(32)}, bytes(32))
    >>> ring.unseal(ring.seal(b"a secret", about=b"tenant/1"), about=b"tenant/1")
    b'a secret'
    """

    def __init__(self, keys: Mapping[str, bytes], lookup_key: bytes, path: Path | None = None):
        self.path = path
        self._stamp: int | None = None
        self._looked_at = time.monotonic()
        self._lookup_base = hmac.new(_derived(lookup_key, b"lookup"), digestmod=hashlib.sha256)
        self._take(keys)

    @classmethod
    def open(cls, home: Path) -> "Keyring":
        """The ring of ``GROWTHBENCH_KEYRING``, else of ``home/keyring.json``, which is made (mode 600) at first use.

        The variable holds ``id:base64,id:base64``, the newest key first. Look-ups use the key named ``lookup``, else
        the last one: to retire the oldest key, name it ``lookup`` instead of dropping it.

        Raises
        ------
        SettingsError
            The ring cannot be read, or its look-up key is not the one that this home was made with.
        """
        given = os.environ.get(VARIABLE)
        path = Path(home) / "keyring.json"
        ring = _from_text(given) if given else cls._of_file(path)
        _check_fingerprint(Path(home) / "keyring.check", ring.fingerprint)
        return ring

    @classmethod
    def _of_file(cls, path: Path) -> "Keyring":
        if not path.exists():
            _make_file(path)
        stamp = path.stat().st_mtime_ns
        keys, lookup_key = _read_file(path)
        ring = cls(keys, lookup_key, path)
        ring._stamp = stamp
        return ring

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the sealing keys, the newest first."""
        return tuple(self._secrets)

    @property
    def fingerprint(self) -> str:
        """Tells rings of different look-up keys apart; no secret."""
        return self.lookup("", "fingerprint", "")

    def seal(self, plain: bytes, about: bytes = b"") -> bytes:
        """Seal with the newest key. ``about`` (tenant and row, say) is not stored, but must be the same to unseal."""
        self._look_again()
        nonce = os.urandom(_NONCE)
        return self._head + nonce + self._newest.encrypt(nonce, plain, about)

    def unseal(self, sealed: bytes, about: bytes = b"") -> bytes:
        """Open what `seal` made.

        Raises
        ------
        KeyringError
            Altered, sealed about something else, or by a key that is not in the ring.
        """
        key_id = self.key_of(sealed)
        if key_id not in self._ciphers:
            self._look_again(at_once=True)
        cipher, start = self._ciphers.get(key_id), 1 + len(key_id)
        if cipher is None:
            raise KeyringError(f"sealed with key {key_id!r}, which is not in the key ring")
        try:
            return cipher.decrypt(sealed[start : start + _NONCE], sealed[start + _NONCE :], about)
        except (InvalidTag, ValueError) as exc:
            raise KeyringError("a sealed text was altered, or belongs somewhere else") from exc

    @staticmethod
    def key_of(sealed: bytes) -> str:
        """Id of the key that sealed a text; KeyringError if it is no sealed text."""
        sealed = bytes(sealed)
        key_id = sealed[1 : 1 + sealed[0]].decode("latin-1") if sealed else ""
        if not _ID.fullmatch(key_id):
            raise KeyringError("this is not a sealed text")
        return key_id

    def lookup(self, tenant: str, kind: str, value: str) -> str:
        """Keyed digest of a value, 32 hex characters: the same for ever, and nobody without the ring can compute it."""
        keyed = self._lookup_base.copy()
        parts = (tenant.encode(), kind.encode(), value.encode())
        keyed.update(b"%d,%d;" % (len(parts[0]), len(parts[1])) + b"".join(parts))  # no two triples are one text
        return keyed.hexdigest()[:32]

    def derived(self, purpose: str, key_id: str | None = None) -> bytes:
        """32 bytes for one purpose, derived from a key (the newest, if none is named) by HKDF.

        Raises
        ------
        KeyringError
            The key is not in the ring.
        """
        self._look_again(at_once=key_id is not None and key_id not in self._secrets)
        key_id = key_id or self.key_ids[0]
        if (found := self._derivations.get((key_id, purpose))) is not None:
            return found
        if (secret := self._secrets.get(key_id)) is None:
            raise KeyringError(f"key {key_id!r} is not in the key ring")
        return self._derivations.setdefault((key_id, purpose), _derived(secret, purpose.encode()))

    def rotate(self) -> str:
        """Add a new newest key to the file; what was sealed before can still be opened. Returns the key's id.

        Raises
        ------
        ConflictError
            The ring comes from the environment, which only its owner can change.
        """
        path = self._file(f"put ID:KEY with a fresh key in front of {VARIABLE}")
        with _locked(path):
            keys, lookup_key = _read_file(path)
            key_id = secrets.token_hex(4)
            _write_file(path, {key_id: secrets.token_bytes(32), **keys}, lookup_key)
        self._look_again(at_once=True)
        return key_id

    def retire(self, key_ids: Iterable[str]) -> None:
        """Take old keys out of the file: what they sealed, and is not sealed anew, can never be opened again.

        Sessions whose refresh token was signed with one of them end, too.

        Raises
        ------
        ConflictError
            One of them is the newest, or not in the ring; or the ring comes from the environment. Nothing was changed.
        """
        path, retired = self._file(f"take their parts out of {VARIABLE}"), set(key_ids)
        with _locked(path):
            keys, lookup_key = _read_file(path)
            newest = next(iter(keys))
            if wrong := sorted(retired - (set(keys) - {newest})):
                why = "is the newest key, which seals" if wrong[0] == newest else "is no key of the ring"
                raise ConflictError(f"{wrong[0]!r} {why}: it cannot be retired")
            _write_file(path, {i: key for i, key in keys.items() if i not in retired}, lookup_key)
        self._look_again(at_once=True)

    def _file(self, instead: str) -> Path:
        if self.path is None:
            raise ConflictError(f"the key ring is set by {VARIABLE}, which only its owner can change: {instead}")
        return self.path

    def _take(self, keys: Mapping[str, bytes]) -> None:
        """Make these the keys; readers in other threads see the old ones or the new ones."""
        if not keys:
            raise SettingsError("a key ring needs at least one key", field=VARIABLE)
        if wrong := [i for i, k in keys.items() if not _ID.fullmatch(i) or len(k) != 32]:
            raise SettingsError(f"key {wrong[0]!r} of the key ring is not 32 bytes with a plain id", field=VARIABLE)
        newest = next(iter(keys))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._secrets, self._derivations = dict(keys), {}
        self._head, self._newest = bytes([len(newest)]) + newest.encode(), self._ciphers[newest]

    def _look_again(self, at_once: bool = False) -> None:
        """Take keys that another process added to the file; looks once in a second at most, unless told otherwise."""
        now = time.monotonic()
        if self.path is None or (now - self._looked_at < _LOOK_AGAIN_S and not at_once):
            return
        self._looked_at = now
        try:
            stamp = self.path.stat().st_mtime_ns
        except OSError:  # the keys at hand still open everything: a missing file is for the next start to refuse
            return
        if stamp != self._stamp:
            self._take(_read_file(self.path)[0])
            self._stamp = stamp


def fresh_key() -> str:
    """``ID:BASE64`` of a fresh key, to be put in front of ``GROWTHBENCH_KEYRING``."""
    return f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"growthbench " + purpose).derive(secret)


def _from_text(text: str) -> Keyring:
    keys = {}
    for number, part in enumerate(text.split(","), 1):
        key_id, colon, encoded = part.strip().partition(":")
        if not colon or key_id in keys:  # the part itself is a secret: the message only counts
            raise SettingsError(f"{VARIABLE} must be ID:BASE64,ID:BASE64; part {number} is not", field=VARIABLE)
        keys[key_id] = _decoded(encoded, key_id)
    lookup_key = keys.pop(LOOKUP, None) or list(keys.values())[-1]
    return Keyring(keys, lookup_key)


def _decoded(encoded: str, key_id: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise SettingsError(f"key {key_id!r} of the key ring is not base64", field=VARIABLE) from exc


def _read_file(path: Path) -> tuple[dict[str, bytes], bytes]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {k: _decoded(v, k) for k, v in content["keys"].items()}, _decoded(content[LOOKUP], LOOKUP)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SettingsError(f"{path} is not a key ring: {exc}; restore it from its backup", field=VARIABLE) from exc


def _written_beside(path: Path, keys: Mapping[str, bytes], lookup_key: bytes) -> Path:
    content = {"keys": {i: base64.b64encode(k).decode() for i, k in keys.items()},
               LOOKUP: base64.b64encode(lookup_key).decode()}  # fmt: skip
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())  # a ring that is lost with the power would take everything sealed with it
    return beside


def _write_file(path: Path, keys: Mapping[str, bytes], lookup_key: bytes) -> None:
    os.replace(_written_beside(path, keys, lookup_key), path)
    _sync_folder(path.parent)


def _make_file(path: Path) -> None:
    """Make a ring; of several processes that start at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        if not path.exists():
            _write_file(path, {secrets.token_hex(4): secrets.token_bytes(32)}, secrets.token_bytes(32))


def _check_fingerprint(path: Path, fingerprint: str) -> None:
    """Refuse a ring whose look-ups would find nobody in this home: everybody would become a stranger, unnoticed."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            if not path.is_file():  # whole or not at all: another process may read it at any moment
                beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
                beside.write_text(fingerprint + "\n", encoding="utf-8")
                os.replace(beside, path)
    if path.read_text(encoding="utf-8").strip() != fingerprint:
        raise SettingsError(
            f"the key ring's look-up key is not the one that {path.parent} was made with; give the old key ring, "
            f"or name its oldest key {LOOKUP!r} in {VARIABLE}", field=VARIABLE
        )  # fmt: skip


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path.with_name(f".{path.name}.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
