"""Where keys lie: one file of key-encryption keys, one directory of data keys wrapped by them.

Both lie outside the database, so a dump of the database alone opens nothing, and a data key that was
destroyed is gone for the dumps made before as well (decision record 0013).

* The key file (mode 0400) holds every key-encryption key that is still in use, by version::

      {"format": 1, "current": 2, "keys": {"1": "<base64>", "2": "<base64>"}}

* The directory holds a file for each data key, by class, month and version. The key in it is wrapped
  under the key-encryption key whose version it names. A destroyed key leaves its file without the key, so
  that a value sealed under it is known as erased and not taken for damaged.

Several processes may use one directory: files appear whole, creation is serialised by a lock, and the
directory's time of change tells the others to read again. Key material never shows in a ``repr``.
"""

import base64
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridmgmt.adapters.envelopes import KEY_ID_BYTES, new_secret, open_value, seal_value
from gridmgmt.errors import InvalidInput, SealBroken, Unavailable

SECRET_BYTES = 32

_CLASS = re.compile(r"[a-z][a-z0-9_.]{0,79}")
_OTHERS = 0o077
_LONG_AGO = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key that seals values of one class of one month.

    ``month`` is ``YYYY-MM``, or ``always`` for keys of blind indexes. ``secret`` is None once destroyed.
    """

    id: bytes
    key_class: str
    month: str
    version: int
    secret: bytes | None = field(repr=False)
    kek_version: int
    made_at: datetime
    destroyed_at: str | None = None


@dataclass(frozen=True, slots=True)
class KekFile:
    """The key-encryption keys by version, and the one in use."""

    current: int
    keys: Mapping[int, bytes] = field(repr=False)


def read_keks(path: Path) -> KekFile:
    """The key file.

    Raises
    ------
    InvalidInput
        Missing, readable by others than its owner, or not a key file.
    """
    try:
        if path.stat().st_mode & _OTHERS:
            raise InvalidInput(f"The key file {path} may be read by its owner alone (mode 0400).")
        content = json.loads(path.read_bytes())
        keys = {int(version): base64.b64decode(key) for version, key in content["keys"].items()}
        current = int(content["current"])
        usable = content["format"] == 1 and all(len(key) == SECRET_BYTES for key in keys.values())
        found = KekFile(current, {current: keys[current], **keys})
    except FileNotFoundError as exc:
        raise InvalidInput(f"There is no key file {path}; make one with: gridmgmt keys init") from exc
    except OSError as exc:
        raise InvalidInput(f"The key file {path} cannot be read.") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InvalidInput(f"{path} is not a key file.") from exc
    if not usable:
        raise InvalidInput(f"{path} is not a key file.")
    return found


def make_kek_file(path: Path) -> None:
    """A key file with one new key, unless there is one.

    Raises
    ------
    Unavailable
        The directory cannot be written.
    """
    _write(path, _kek_content(1, {1: new_secret()}), mode=0o400, keep=True)


def _kek_content(current: int, keys: Mapping[int, bytes]) -> dict[str, Any]:
    texts = {str(version): base64.b64encode(key).decode() for version, key in sorted(keys.items())}
    return {"format": 1, "current": current, "keys": texts}


class KeyFiles:
    """The keys of an installation.

    Parameters
    ----------
    key_file : the key-encryption keys.
    directory : the wrapped data keys; made when missing.
    make : whether a missing key file is made when the first key is needed. Never in production: a key made
        by accident would hide that the true one is missing.

    Raises
    ------
    InvalidInput
        Not to be made, and missing, readable by others, or no key file.
    """

    def __init__(self, key_file: Path, directory: Path, *, make: bool = False) -> None:
        self._key_file = key_file
        self._directory = directory
        self._make = make
        self._seen: int | None = None
        self._by_id: dict[bytes, DataKey] = {}
        self._newest: dict[tuple[str, str], DataKey] = {}
        if not make:
            read_keks(key_file)

    def all(self) -> list[DataKey]:
        """Every data key, destroyed ones too, by class, month and version."""
        self._refresh()
        return sorted(self._by_id.values(), key=lambda k: (k.key_class, k.month, k.version))

    def by_id(self, key_id: bytes) -> DataKey | None:
        """The key of that id, destroyed or not."""
        self._refresh()
        return self._by_id.get(key_id)

    def newest(self, key_class: str, month: str) -> DataKey:
        """The key that seals for a class and month; made when there is none.

        Raises
        ------
        InvalidInput
            No name of a class.
        Unavailable
            The directory cannot be written.
        """
        self._refresh()
        found = self._newest.get((key_class, month))
        return found or self.add(key_class, month, only_if_none=True)

    def add(self, key_class: str, month: str, *, only_if_none: bool = False) -> DataKey:
        """A new version of the key of a class and month; with ``only_if_none`` the one that lives."""
        if not _CLASS.fullmatch(key_class):
            raise InvalidInput(
                "A class of keys is named in lower-case letters, digits, dots and underscores."
            )
        with self._locked(fcntl.LOCK_EX):
            self._read()
            found = self._newest.get((key_class, month))
            if found and only_if_none:
                return found
            versions = [
                k.version for k in self._by_id.values() if (k.key_class, k.month) == (key_class, month)
            ]
            keks = self._keks()
            made = DataKey(
                id=os.urandom(KEY_ID_BYTES),
                key_class=key_class,
                month=month,
                version=max(versions, default=0) + 1,
                secret=new_secret(),
                kek_version=keks.current,
                made_at=datetime.now(UTC),
            )
            self._store(made, keks)
            self._read()
            return made

    def destroy(self, key_id: bytes, now: datetime) -> bool:
        """Make everything sealed under a key unreadable for good; whether there was a key to destroy."""
        with self._locked(fcntl.LOCK_EX):
            self._read()
            found = self._by_id.get(key_id)
            if found is None or found.secret is None:
                return False
            path = self._path(found)
            # The old bytes are overwritten in place first; what a disk or a file system keeps beside that
            # is why the key is only ever there wrapped, and why a changed key-encryption key finishes it.
            with path.open("r+b") as handle:
                handle.write(b" " * path.stat().st_size)
                handle.flush()
                os.fsync(handle.fileno())
            self._store(replace(found, secret=None, destroyed_at=now.isoformat()), self._keks())
            self._read()
            return True

    def change_kek(self) -> int:
        """Put a new key-encryption key into use and wrap every data key anew; answers its version.

        Readable at every moment: the file holds old and new until all data keys are wrapped under the new.
        """
        with self._locked(fcntl.LOCK_EX):
            keks = self._keks()
            version = max(keks.keys) + 1
            both = KekFile(version, {**keks.keys, version: new_secret()})
            _write(self._key_file, _kek_content(version, both.keys), mode=0o400)
            self._read()
            for key in list(self._by_id.values()):
                self._store(replace(key, kek_version=version), both)
            _write(self._key_file, _kek_content(version, {version: both.keys[version]}), mode=0o400)
            self._read()
            return version

    def _path(self, key: DataKey) -> Path:
        return self._directory / f"{key.key_class}.{key.month}.{key.version}.json"

    def _store(self, key: DataKey, keks: KekFile) -> None:
        content: dict[str, Any] = {
            "format": 1,
            "id": key.id.hex(),
            "class": key.key_class,
            "month": key.month,
            "version": key.version,
            "kek": key.kek_version,
            "made_at": key.made_at.isoformat(),
        }
        if key.secret is None:
            content["destroyed_at"] = key.destroyed_at
        else:
            sealed = seal_value(
                key.secret, key_id=key.id, secret=keks.keys[key.kek_version], context=_wrapping(content)
            )
            content["wrapped"] = base64.b64encode(sealed).decode()
        _write(self._path(key), content, mode=0o600)

    def _keks(self) -> KekFile:
        if self._make and not self._key_file.exists():
            make_kek_file(self._key_file)
        return read_keks(self._key_file)

    def _refresh(self) -> None:
        """Read the directory again if it changed, while nobody is changing it."""
        if self._stamp() != self._seen:
            with self._locked(fcntl.LOCK_SH):
                self._read()

    def _stamp(self) -> int | None:
        try:
            return self._directory.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def _read(self) -> None:
        stamp, keks = self._stamp(), self._keks()
        # Read anew, not added to: a key destroyed by another process leaves this one's memory too.
        by_id: dict[bytes, DataKey] = {}
        newest: dict[tuple[str, str], DataKey] = {}
        for path in sorted(self._directory.glob("*.json")):
            key = _read_data_key(path, keks)
            by_id[key.id] = key
            place = (key.key_class, key.month)
            if key.secret is not None and (place not in newest or newest[place].version < key.version):
                newest[place] = key
        self._by_id, self._newest, self._seen = by_id, newest, stamp

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._directory / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise Unavailable("The directory of keys cannot be used.", retry_after_s=30) from exc
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)


def _wrapping(content: Mapping[str, Any]) -> str:
    return "wrap|" + "|".join(str(content[name]) for name in ("id", "class", "month", "version", "kek"))


def _read_data_key(path: Path, keks: KekFile) -> DataKey:
    try:
        content = json.loads(path.read_bytes())
        destroyed_at = content.get("destroyed_at")
        kek_version = int(content["kek"])
        secret = None
        if destroyed_at is None:
            sealed = base64.b64decode(content["wrapped"])
            secret = open_value(sealed, secret=keks.keys[kek_version], context=_wrapping(content))
        return DataKey(
            id=bytes.fromhex(content["id"]),
            key_class=content["class"],
            month=content["month"],
            version=int(content["version"]),
            secret=secret,
            kek_version=kek_version,
            made_at=datetime.fromisoformat(content.get("made_at", _LONG_AGO)),
            destroyed_at=destroyed_at,
        )
    except (ValueError, KeyError, TypeError, SealBroken) as exc:
        raise InvalidInput(f"The data key {path.name} does not belong to this key file.") from exc


def _write(path: Path, content: Mapping[str, Any], *, mode: int, keep: bool = False) -> None:
    """A file that appears whole and durable, or not at all; with ``keep`` one that is there stays."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(json.dumps(content, indent=1).encode())
                handle.flush()
                os.fsync(handle.fileno())
            if keep:
                _link_unless_there(partial, path)
            else:
                partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise Unavailable("The keys cannot be written now.", retry_after_s=30) from exc


def _link_unless_there(partial: Path, path: Path) -> None:
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        return
