"""What was stored comes back bit by bit or not at all, whatever happened to the disk or the process."""

import base64
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from gridmgmt.adapters.evidence import blobs as blobs_module
from gridmgmt.adapters.evidence.blobs import Blobs, LocalBlobs, MemoryBlobs
from gridmgmt.adapters.evidence.s3 import S3Blobs, S3Place
from gridmgmt.adapters.evidence.vault import Vault
from gridmgmt.adapters.keyring import FileKeyRing, open_key_ring
from gridmgmt.errors import EvidenceDamaged, StoreFull, Unavailable

CONTENT = random.Random(3).randbytes(200_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> FileKeyRing:
    place = tmp_path_factory.mktemp("keys")
    return open_key_ring(place / "kek.json", place / "data", make=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Place]:
    """A bucket of a server on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    place = S3Place("evidence", "us-east-1", f"http://{host}:{port}", "key", "secret")
    httpx.put(f"{place.endpoint}/evidence").raise_for_status()
    yield place
    server.stop()


@pytest.fixture(params=["local", "s3", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    match request.param:
        case "local":
            return LocalBlobs(tmp_path)
        case "s3":
            place: S3Place = request.getfixturevalue("s3")
            return S3Blobs(
                S3Place(
                    place.bucket, place.region, place.endpoint, place.access_key_id, place.secret_access_key,
                    prefix=tmp_path.name,
                )
            )  # fmt: skip
    return MemoryBlobs()


def damage(store: Blobs, key: str, change: Callable[[bytes], bytes]) -> None:
    store.replace(key, change(store.read(key) or b""))


def test_a_photo_comes_back_and_nobody_reads_it_on_the_disk(store: Blobs, ring: FileKeyRing) -> None:
    vault = Vault(store, ring)
    vault.put(DIGEST, CONTENT)
    assert CONTENT == vault.get(DIGEST)
    assert CONTENT[:64] not in (store.read(DIGEST) or b"")
    assert vault.fault(DIGEST) is None


def test_a_name_is_taken_once(store: Blobs) -> None:
    assert store.add(DIGEST, b"first")
    assert not store.add(DIGEST, b"second")
    assert b"first" == store.read(DIGEST)
    assert [DIGEST] == [name for name, _ in store.listing()]
    store.remove(DIGEST)
    store.remove(DIGEST)
    assert store.read(DIGEST) is None
    assert [] == list(store.listing())


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b[:-1],
        lambda b: b[: len(b) // 2],
        lambda b: b"",
        lambda b: b + b"x",
        lambda b: b[:70_000] + bytes([b[70_000] ^ 1]) + b[70_001:],
        lambda b: b[:9] + bytes(32) + b[41:],
    ],
)
def test_damage_is_an_error_with_a_name(store: Blobs, ring: FileKeyRing, change: Callable) -> None:
    vault = Vault(store, ring)
    vault.put(DIGEST, CONTENT)
    damage(store, DIGEST, change)
    with pytest.raises(EvidenceDamaged) as found:
        vault.get(DIGEST)
    assert "differs" == found.value.facts["reason"]


def test_a_photo_in_anothers_place_is_damage(store: Blobs, ring: FileKeyRing) -> None:
    vault, other = Vault(store, ring), hashlib.sha256(b"other").hexdigest()
    vault.put(DIGEST, CONTENT)
    vault.put(other, b"other")
    store.replace(DIGEST, store.read(other) or b"")
    assert "differs" == vault.fault(DIGEST)
    store.remove(DIGEST)
    assert "missing" == vault.fault(DIGEST)


def test_sent_again_a_damaged_photo_is_whole_again(store: Blobs, ring: FileKeyRing) -> None:
    vault = Vault(store, ring)
    vault.put(DIGEST, CONTENT)
    damage(store, DIGEST, lambda b: b[:-9])
    vault.put(DIGEST, CONTENT)
    assert CONTENT == vault.get(DIGEST)


def test_a_photo_from_before_the_vault_is_read_and_moved_in(tmp_path: Path, ring: FileKeyRing) -> None:
    plain = tmp_path / DIGEST[:2] / DIGEST[2:4] / DIGEST
    plain.parent.mkdir(parents=True)
    plain.write_bytes(CONTENT)
    vault = Vault(LocalBlobs(tmp_path), ring, before_sealing=tmp_path)
    assert CONTENT == vault.get(DIGEST)
    assert vault.adopt(DIGEST)
    assert not vault.adopt(DIGEST)
    assert not plain.exists()
    assert CONTENT == vault.get(DIGEST)


def test_a_plain_photo_that_changed_is_not_moved_in(tmp_path: Path, ring: FileKeyRing) -> None:
    plain = tmp_path / DIGEST[:2] / DIGEST[2:4] / DIGEST
    plain.parent.mkdir(parents=True)
    plain.write_bytes(CONTENT[:-1])
    vault = Vault(LocalBlobs(tmp_path), ring, before_sealing=tmp_path)
    with pytest.raises(EvidenceDamaged):
        vault.adopt(DIGEST)
    with pytest.raises(EvidenceDamaged):
        vault.get(DIGEST)
    assert plain.exists()


# The local disk.


def test_only_the_owner_reads_and_nothing_but_the_photo_is_left(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path)
    store.add(DIGEST, b"sealed")
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert [tmp_path / "sha256" / DIGEST[:2] / DIGEST[2:4] / DIGEST] == files
    assert 0o600 == files[0].stat().st_mode & 0o777


def test_file_and_directories_are_synced_before_the_name_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, link = os.fsync, Path.hardlink_to

    def synced(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def linked(path: Path, target: Path) -> None:
        done.append("link")
        link(path, target)

    monkeypatch.setattr(blobs_module.os, "fsync", synced)
    monkeypatch.setattr(Path, "hardlink_to", linked)
    LocalBlobs(tmp_path).add(DIGEST, b"sealed")
    assert [tmp_path.name, "sha256", DIGEST[:2]] == done[:3], "each new directory in the one above"
    assert done[3].startswith(DIGEST)
    assert done[3].endswith(".part")
    assert ["link", DIGEST[2:4]] == done[4:]


@pytest.mark.parametrize("errno_", [28, 122, 27, 5])
def test_a_disk_that_refuses_is_said_so_and_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, errno_: int
) -> None:
    def refuse(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix != ".part":
            return
        raise OSError(errno_, "refused")

    monkeypatch.setattr(blobs_module.os, "fsync", refuse)
    with pytest.raises(Unavailable if errno_ == 5 else StoreFull) as refusal:
        LocalBlobs(tmp_path).add(DIGEST, b"sealed")
    assert {"retry_after_s": 30} == dict(refusal.value.facts)
    assert [] == [p for p in tmp_path.rglob("*") if p.is_file()]


FULL = """
    import hashlib, resource, signal, sys
    from pathlib import Path
    from gridmgmt.adapters.evidence.blobs import LocalBlobs
    from gridmgmt.errors import StoreFull
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = LocalBlobs(Path(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        store.add("ab" * 32, bytes(200_000))
    except StoreFull:
        print("full")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    print(store.add("ab" * 32, bytes(200_000)), len(store.read("ab" * 32)))
"""


def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE
    script = textwrap.dedent(FULL)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ["full", "True", "200000"] == done.stdout.split()
    assert ["ab" * 32] == [p.name for p in tmp_path.rglob("*") if p.is_file()]


def test_an_interrupted_write_never_shows_under_the_photos_name(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from gridmgmt.adapters.evidence import faults
        from gridmgmt.adapters.evidence.blobs import LocalBlobs
        faults.watch(lambda p: os.kill(os.getpid(), signal.SIGKILL) if p == sys.argv[2] else None)
        LocalBlobs(Path(sys.argv[1])).add("ab" * 32, bytes(5000))
    """)
    for point in ("part_written", "part_synced"):
        done = subprocess.run([sys.executable, "-c", script, str(tmp_path), point], check=False)
        assert -signal.SIGKILL == done.returncode
        assert LocalBlobs(tmp_path).read("ab" * 32) is None
    names = [name for name, _ in LocalBlobs(tmp_path).listing()]
    assert 2 == len(names)
    assert all(name.endswith(".part") for name in names)


# S3.


def test_a_service_that_is_away_is_unavailable() -> None:
    away = S3Blobs(S3Place("evidence", "us-east-1", "http://127.0.0.1:9", "key", "secret"))
    with pytest.raises(Unavailable):
        away.read(DIGEST)
    with pytest.raises(Unavailable):
        away.add(DIGEST, b"x")


def test_a_put_carries_its_checksum_and_takes_no_name_that_is_taken() -> None:
    told: list[Message] = []

    class Noting(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            told.append(self.headers)
            self.send_response(200)
            self.send_header("ETag", "x")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Noting) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        place = S3Place("evidence", "us-east-1", f"http://127.0.0.1:{service.server_port}", "key", "secret")
        assert S3Blobs(place).add(DIGEST, b"sealed")
        service.shutdown()
    (head,) = told
    assert "*" == head["If-None-Match"]
    assert hashlib.sha256(b"sealed").digest() == base64.b64decode(head["x-amz-checksum-sha256"])


def test_a_stored_photo_has_its_time(s3: S3Place) -> None:
    store = S3Blobs(s3)
    store.add(DIGEST, b"sealed")
    (written_at,) = [at for name, at in store.listing() if name == DIGEST]
    assert datetime.now(UTC) - written_at < timedelta(hours=1)
    store.remove(DIGEST)
