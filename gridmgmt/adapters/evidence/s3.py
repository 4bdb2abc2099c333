"""Sealed bytes in an S3 bucket, through obstore.

A photo is put with ``If-None-Match: *`` in one piece, so two servers never write over each other, and with a
SHA-256 checksum that the service verifies and keeps. Whether the service has synced when it answers is its
own promise; ask the provider for it before relying on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from gridmgmt.adapters.evidence.faults import reached
from gridmgmt.errors import Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Store

_RETRY_AFTER_S = 30


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, and how it is reached; ``prefix`` without slashes at its ends."""

    bucket: str
    region: str
    endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    prefix: str = "sha256"


class S3Blobs:
    """See :class:`~gridmgmt.adapters.evidence.blobs.Blobs`."""

    def __init__(self, place: S3Place) -> None:
        # obstore takes a quarter of a second to import, and most installations keep photos on a disk.
        from obstore import store  # noqa: PLC0415

        given: dict[str, Any] = {
            "endpoint": place.endpoint,
            "access_key_id": place.access_key_id,
            "secret_access_key": place.secret_access_key,
        }
        plain = (place.endpoint or "").startswith("http://")
        self._prefix = place.prefix
        self._store: S3Store = store.S3Store(
            place.bucket,
            region=place.region,
            checksum_algorithm="sha256",
            client_options={"allow_http": plain, "timeout": "30s", "connect_timeout": "5s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
            **{name: value for name, value in given.items() if value is not None},
        )

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key[:2]}/{key[2:4]}/{key}"

    def add(self, key: str, data: bytes) -> bool:
        """Keep unless the key is taken.

        Raises
        ------
        Unavailable
            The service refuses or cannot be reached; whether it has the bytes is unknown, and putting
            them again is harmless.
        """
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        try:
            self._put(key, data, mode="create")
        except AlreadyExistsError:
            return False
        reached("linked")
        return True

    def replace(self, key: str, data: bytes) -> None:
        """Keep over what is there; raises as :meth:`add`."""
        self._put(key, data, mode="overwrite")

    def _put(self, key: str, data: bytes, *, mode: Any) -> None:
        import obstore  # noqa: PLC0415
        from obstore.exceptions import AlreadyExistsError, BaseError  # noqa: PLC0415

        try:
            obstore.put(self._store, self._path(key), data, mode=mode, use_multipart=False)
        except AlreadyExistsError:
            raise
        except (BaseError, OSError) as exc:
            raise Unavailable(
                "The photo store cannot take the photo now; keep it and try again.",
                retry_after_s=_RETRY_AFTER_S,
            ) from exc

    def read(self, key: str) -> bytes | None:
        """The bytes, or None.

        Raises
        ------
        Unavailable
            The service cannot be asked.
        """
        import obstore  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            return bytes(obstore.get(self._store, self._path(key)).bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as exc:
            raise Unavailable("The photo store cannot be read now.", retry_after_s=_RETRY_AFTER_S) from exc

    def remove(self, key: str) -> None:
        """Forget."""
        import obstore  # noqa: PLC0415

        obstore.delete(self._store, self._path(key))

    def listing(self) -> Iterator[tuple[str, datetime]]:
        """Last part of every name below the prefix, with its time."""
        import obstore  # noqa: PLC0415

        for page in obstore.list(self._store, self._prefix):
            for found in page:
                yield str(found["path"]).rsplit("/", 1)[-1], found["last_modified"]
