"""Sealing of personal data and secrets: one interface, whatever the algorithm and wherever the keys lie.

Every value names its key; every key belongs to a class (the part of the context before the first ``|``,
by convention the table) and to a month, so that what was sealed in a month can be made unreadable by
destroying one key. The context, such as ``contacts|phone|<row id>``, is authenticated: a value copied into
another row or column does not open.

Blind indexes answer "is it this value?" without opening anything: HMAC-SHA-256 under a key for each column
that never lies in the database. They show which rows are equal and how many; fit for values that are nearly
unique, such as a phone number, never for a name or a sex.
"""

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from gridmgmt.adapters import envelopes
from gridmgmt.adapters.envelopes import KIND_STREAM, KIND_VALUE
from gridmgmt.adapters.keyfiles import DataKey, KeyFiles
from gridmgmt.domain.personal import normal_phone, normal_text
from gridmgmt.errors import Erased, UnknownKey

ALWAYS = "always"
_BLIND = "blind."
_SETTLED = timedelta(days=1)


class KeyRing(Protocol):
    """Seals, opens and indexes; what every part of the system is handed."""

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """A value sealed for one place, such as ``contacts|phone|<row id>``."""
        ...

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The plain value; raises SealBroken, UnknownKey or Erased."""
        ...

    def seal_stream(self, plain: Iterable[bytes], *, context: str) -> Iterator[bytes]:
        """A file of any size sealed piece by piece."""
        ...

    def open_stream(self, sealed: Iterable[bytes], *, context: str) -> Iterator[bytes]:
        """The plain pieces; raises as ``open`` does, for a cut-off end only at the end."""
        ...

    def blind_index(self, value: str, *, column: str) -> bytes:
        """32 bytes that are equal for equal values of a column, such as ``contacts.phone``."""
        ...

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value is sealed under the newest key of its class and month."""
        ...

    def reseal(self, sealed: bytes, *, context: str) -> bytes:
        """The same value under the newest key of its class and month."""
        ...

    def key_of(self, sealed: bytes) -> DataKey:
        """The key that a value names; raises UnknownKey."""
        ...

    def replaced(self, key_class: str) -> list[bytes]:
        """Ids of the living keys of a class that a newer one of their month replaced."""
        ...

    def destroy_unused(self, key_class: str, used: Collection[bytes], *, before: str, now: datetime) -> int:
        """Destroy keys of a class that nothing names and nobody can be about to name; how many."""
        ...


class FileKeyRing:
    """The keys of :class:`~gridmgmt.adapters.keyfiles.KeyFiles`.

    Parameters
    ----------
    keys : the files.
    clock : tells the month that new values belong to; aware UTC.
    """

    def __init__(self, keys: KeyFiles, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.keys = keys
        self._clock = clock

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """A value sealed under the key of its class and of this month.

        Raises
        ------
        InvalidInput
            The context does not begin with a class.
        Unavailable
            A key had to be made and could not be written.
        """
        key = self.keys.newest(_class_of(context), self._month())
        return envelopes.seal_value(plain, key_id=key.id, secret=_secret(key), context=context)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The plain value.

        Raises
        ------
        SealBroken
            Changed, cut short, or sealed for another context.
        UnknownKey
            Its key is not among this installation's.
        Erased
            Its key was destroyed.
        """
        key = self._named(envelopes.key_id_of(sealed, KIND_VALUE))
        return envelopes.open_value(sealed, secret=_secret(key), context=context)

    def seal_stream(self, plain: Iterable[bytes], *, context: str) -> Iterator[bytes]:
        """A file sealed piece by piece under the key of its class and of this month."""
        key = self.keys.newest(_class_of(context), self._month())
        return envelopes.seal_stream(plain, key_id=key.id, secret=_secret(key), context=context)

    def open_stream(self, sealed: Iterable[bytes], *, context: str) -> Iterator[bytes]:
        """The plain pieces; authentic one by one, complete only when the iterator ends without an error.

        Raises
        ------
        SealBroken, UnknownKey, Erased
            As for :meth:`open`; a cut-off end is found at the end.
        """
        head, rest = envelopes.split_head(sealed)
        key = self._named(envelopes.key_id_of(head, KIND_STREAM))
        return envelopes.open_stream(head, rest, secret=_secret(key), context=context)

    def blind_index(self, value: str, *, column: str) -> bytes:
        """Equal for equal values of a column; a phone number is brought into one form first.

        Parameters
        ----------
        column : ``table.column``; values of columns that end in ``phone`` are telephone numbers.

        Raises
        ------
        InvalidInput
            Not a telephone number, where it should be one.
        """
        normal = normal_phone(value) if column.endswith("phone") else normal_text(value)
        key = self.keys.newest(_BLIND + column, ALWAYS)
        return hmac.digest(_secret(key), normal.encode(), "sha256")

    def is_current(self, sealed: bytes) -> bool:
        """Whether no newer key of its class and month is there."""
        key = self.key_of(sealed)
        return self.keys.newest(key.key_class, key.month).id == key.id

    def reseal(self, sealed: bytes, *, context: str) -> bytes:
        """The same value under the newest key of its class and month; raises as :meth:`open` does."""
        plain = self.open(sealed, context=context)
        key = self.key_of(sealed)
        newest = self.keys.newest(key.key_class, key.month)
        return envelopes.seal_value(plain, key_id=newest.id, secret=_secret(newest), context=context)

    def key_of(self, sealed: bytes) -> DataKey:
        """The key that a value names, destroyed or not."""
        return self._named(envelopes.key_id_of(sealed, KIND_VALUE))

    def replaced(self, key_class: str) -> list[bytes]:
        """Ids of the living keys of a class that a newer one of their month replaced."""
        mine = [k for k in self.keys.all() if k.key_class == key_class and k.secret is not None]
        newest = {k.month: k.version for k in mine}
        return [k.id for k in mine if k.version < newest[k.month]]

    def destroy_unused(self, key_class: str, used: Collection[bytes], *, before: str, now: datetime) -> int:
        """Destroy keys of a class that nothing names; how many.

        Spared are keys of the month ``before`` and later, unless they were replaced a day ago: somebody may
        just be storing what he sealed under one.

        Parameters
        ----------
        used : ids of all keys that some value of the class names.
        before : month, ``YYYY-MM``.
        """
        replaced = set(self.replaced(key_class))
        destroyed = 0
        for key in self.keys.all():
            if key.key_class != key_class or key.secret is None or key.id in used or key.month == ALWAYS:
                continue
            newest = self.keys.newest(key_class, key.month)
            settled = key.id in replaced and newest.made_at <= now - _SETTLED
            if key.month < before or settled:
                destroyed += self.keys.destroy(key.id, now)
        return destroyed

    def _named(self, key_id: bytes) -> DataKey:
        found = self.keys.by_id(key_id)
        if found is None:
            raise UnknownKey("The key of this value is not among the keys of this installation.")
        return found

    def _month(self) -> str:
        return self._clock().strftime("%Y-%m")


def open_key_ring(
    key_file: Path, directory: Path, *, make: bool, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FileKeyRing:
    """The key ring of an installation; the settings say ``key_file_in_use``, ``key_dir``, ``makes_its_keys``.

    Raises
    ------
    InvalidInput
        Not to be made, and the key file is missing, readable by others, or none.
    """
    return FileKeyRing(KeyFiles(key_file, directory, make=make), clock)


def _class_of(context: str) -> str:
    return context.partition("|")[0]


def _secret(key: DataKey) -> bytes:
    if key.secret is None:
        raise Erased("This was erased: the key that it was sealed under is destroyed.")
    return key.secret
