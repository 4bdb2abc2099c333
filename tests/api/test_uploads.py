"""Uploads that go on where they broke (tus 1.0.0): strict offsets, one writer, one owner, bit-exact."""

import base64
import hashlib
import json
import subprocess
import uuid
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gridmgmt.adapters.evidence.spool import MOST_UPLOADS
from gridmgmt.demo.photos import DrawnPhoto
from tests.adapters.pictures import picture
from tests.api.client import Person, Server, make_photo
from tests.api.cutting import cuts_of, cutting

CHECKOUT = Path(__file__).parents[2]
PIECE = 2048
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def photo(seed: int, **options) -> DrawnPhoto:
    content = picture(seed=seed, size=(240, 180), quality=95, **options)
    return DrawnPhoto(content, hashlib.sha256(content).hexdigest())


def begin(who: Person, sent: DrawnPhoto, media_type: str = "image/jpeg", **over: str) -> httpx.Response:
    told = f"sha256 {b64(sent.sha256)},filetype {b64(media_type)},filename {b64('../x')}"
    headers = {**TUS, "Upload-Length": str(len(sent.content)), "Upload-Metadata": told} | over
    return who.http.post("/api/v1/uploads", headers=headers)


def begun(who: Person, sent: DrawnPhoto, **over: str) -> str:
    answer = begin(who, sent, **over)
    assert 201 == answer.status_code, answer.text
    return answer.headers["Location"]


def piece(who: Person, where: str, offset: int, data: bytes, **over: str) -> httpx.Response:
    return who.http.patch(where, headers={**BYTES, "Upload-Offset": str(offset)} | over, content=data)


def offset_of(who: Person, where: str) -> int:
    answer = who.http.head(where, headers=TUS)
    assert 200 == answer.status_code
    return int(answer.headers["Upload-Offset"])


def test_the_server_says_what_it_speaks(worker: Person) -> None:
    answer = worker.http.options("/api/v1/uploads")
    assert 204 == answer.status_code
    assert "creation,expiration,checksum,termination" == answer.headers["Tus-Extension"]
    assert ("1.0.0", "sha256,sha1") == (
        answer.headers["Tus-Version"],
        answer.headers["Tus-Checksum-Algorithm"],
    )


def test_a_photo_in_pieces_is_stored_as_one_in_a_piece(worker: Person, shift: Person) -> None:
    sent = photo(1)
    where, at = begun(worker, sent), 0
    while at < len(sent.content):
        answer = piece(worker, where, at, sent.content[at : at + PIECE])
        assert 204 == answer.status_code, answer.text
        at = int(answer.headers["Upload-Offset"])
        assert "Upload-Expires" in answer.headers
    assert 200 == worker.put_photo(sent).status_code, "known"
    assert 200 == shift.get(f"/photos/{sent.sha256}").status_code
    assert len(sent.content) == offset_of(worker, where), "a lost last answer can be asked for"


def test_a_piece_goes_where_the_upload_stands_and_nowhere_else(worker: Person) -> None:
    sent = photo(2)
    where = begun(worker, sent)
    piece(worker, where, 0, sent.content[:100])
    for wrong in (0, 99, 101, 10**6):
        answer = piece(worker, where, wrong, b"x")
        assert (409, "offset_differs", 100) == (
            answer.status_code, answer.json()["code"], answer.json()["facts"]["offset"],
        )  # fmt: skip
    for odd in ("-1", "1e2", "", "٣", "0x10", "9" * 30):
        headers = {**{n.encode(): v.encode() for n, v in BYTES.items()}, b"upload-offset": odd.encode()}
        answer = worker.http.patch(where, headers=headers, content=b"x")
        assert 422 == answer.status_code
    assert 100 == offset_of(worker, where)


def test_an_upload_is_its_owners_alone(worker: Person, server: Server) -> None:
    sent = photo(3)
    where, another = begun(worker, sent), server.person("demo-worker-002")
    assert 404 == another.http.head(where, headers=TUS).status_code
    assert 404 == piece(another, where, 0, sent.content).status_code
    assert 404 == another.http.delete(where, headers=TUS).status_code
    assert 0 == offset_of(worker, where)
    assert 403 == begin(server.person("demo-shift"), sent).status_code


@pytest.mark.parametrize("name", ["sha256", "sha1"])
def test_a_damaged_piece_is_refused_and_sent_again(worker: Person, name: str) -> None:
    sent = photo(4 if name == "sha1" else 5)
    where, data = begun(worker, sent), sent.content[:500]
    good = f"{name} {b64(hashlib.new(name, data).digest())}"
    answer = piece(worker, where, 0, data[:-1] + b"\x00\x00", **{"Upload-Checksum": good})
    assert (460, "checksum_differs") == (answer.status_code, answer.json()["code"])
    assert 0 == offset_of(worker, where)
    assert 204 == piece(worker, where, 0, data, **{"Upload-Checksum": good}).status_code
    for odd in ("md5 abc", "sha256", "sha256 !!", "sha1 " + b64("short")):
        assert 422 == piece(worker, where, 500, b"x", **{"Upload-Checksum": odd}).status_code


def test_more_than_was_announced_is_refused_and_forgotten(worker: Person) -> None:
    sent = photo(6)
    where = begun(worker, sent)
    answer = piece(worker, where, 0, sent.content + b"x")
    assert (413, "too_large") == (answer.status_code, answer.json()["code"])
    assert 0 == offset_of(worker, where)


@pytest.mark.parametrize(
    ("over", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Upload-Length": str(10 * 2**30)}, 413),
        ({"Upload-Length": "-5"}, 422),
        ({"Upload-Length": ""}, 422),
        ({"Upload-Length": "0"}, 422),
        ({"Upload-Metadata": ""}, 422),
        ({"Upload-Metadata": "sha256 ,,,filetype"}, 422),
        (
            {"Upload-Metadata": f"sha256 {base64.b64encode(b'../../x').decode()},filetype aW1hZ2UvanBlZw=="},
            422,
        ),
        ({"Upload-Metadata": f"sha256 {base64.b64encode(b'ab' * 32).decode()},filetype dGV4dC9odG1s"}, 422),
    ],
)
def test_what_does_not_fit_the_protocol_is_refused(worker: Person, over: dict, status: int) -> None:
    assert status == begin(worker, photo(7), **over).status_code


def test_a_piece_has_its_type(worker: Person) -> None:
    where = begun(worker, photo(8))
    answer = piece(worker, where, 0, b"x", **{"Content-Type": "image/jpeg"})
    assert (422, "Content-Type") == (answer.status_code, answer.json()["facts"]["field"])


def test_an_upload_that_is_no_photo_ends(worker: Person) -> None:
    content = b"%PDF-1.7 not a photo" * 9
    sent = DrawnPhoto(content, hashlib.sha256(content).hexdigest())
    where = begun(worker, sent)
    answer = piece(worker, where, 0, content)
    assert (422, "unacceptable_photo") == (answer.status_code, answer.json()["code"])
    assert 404 == worker.http.head(where, headers=TUS).status_code
    (line,) = [p for p in worker.get("/photos").json()["items"] if p["sha256"] == sent.sha256]
    assert ("refused", "unacceptable_photo") == (line["state"], line["refused_code"])


def test_bytes_that_are_not_what_was_announced_are_refused(worker: Person) -> None:
    sent, other = photo(9), photo(10)
    where = begun(worker, DrawnPhoto(other.content, sent.sha256))
    answer = piece(worker, where, 0, other.content)
    assert "hash_differs" == answer.json()["facts"]["reason"]


def test_the_ledger_tells_the_offset(worker: Person, acceptor: Person) -> None:
    sent = photo(11)
    where = begun(worker, sent)
    piece(worker, where, 0, sent.content[:700])
    (line,) = [p for p in acceptor.get("/photos").json()["items"] if p["sha256"] == sent.sha256]
    assert ("receiving", 700, len(sent.content)) == (
        line["state"], line["received_bytes"], line["expected_bytes"],
    )  # fmt: skip


def test_a_photo_that_is_here_needs_no_byte(worker: Person) -> None:
    sent = make_photo()
    worker.put_photo(sent)
    assert len(sent.content) == offset_of(worker, begun(worker, sent))


def test_an_upload_that_ended_before_its_photo_was_stored_is_finished_when_asked(
    worker: Person, server: Server
) -> None:
    sent = photo(12)
    where = begun(worker, sent)
    (directory,) = server.app.state.parts.evidence.uploads.root.glob(f"*/{where.rsplit('/', 1)[-1]}")
    (directory / "data").write_bytes(sent.content)
    assert len(sent.content) == offset_of(worker, where)
    assert 200 == worker.put_photo(sent).status_code


def test_ended_or_expired_an_upload_is_gone(worker: Person, server: Server) -> None:
    sent = photo(13)
    where = begun(worker, sent)
    assert 204 == worker.http.delete(where, headers=TUS).status_code
    assert 404 == worker.http.head(where, headers=TUS).status_code
    where = begun(worker, sent)
    server.clock.at += timedelta(hours=11)
    assert 200 == worker.http.head(where, headers=TUS).status_code
    room = server.app.state.parts.evidence
    assert where.rsplit("/", 1)[-1] in {
        u.announced.id for u in room.uploads.expired(server.clock.at + timedelta(days=3))
    }


def test_one_person_has_so_many_unfinished_uploads_and_no_more(server: Server) -> None:
    who = server.person("demo-worker-003")
    answers = [begin(who, photo(100 + n)) for n in range(MOST_UPLOADS + 1)]
    assert {201} == {a.status_code for a in answers[:-1]}
    assert (429, "too_many_uploads") == (answers[-1].status_code, answers[-1].json()["code"])
    who.http.delete(answers[0].headers["Location"], headers=TUS)
    assert 201 == begin(who, photo(99)).status_code


def test_two_requests_do_not_write_to_one_upload(worker: Person, server: Server) -> None:
    sent = photo(14)
    where = begun(worker, sent)
    room = server.app.state.parts.evidence
    upload = room.uploads.find(uuid.UUID(worker.id), where.rsplit("/", 1)[-1], server.clock.at)
    with upload.writing():
        answer = piece(worker, where, 0, b"x")
        assert (423, "upload_busy") == (answer.status_code, answer.json()["code"])
    assert 204 == piece(worker, where, 0, sent.content[:9]).status_code


def test_the_real_client_gets_every_byte_across_a_way_that_breaks(
    worker: Person, server: Server, directory: Path
) -> None:
    """Cut at every boundary of a piece, one byte before and one behind, and with its answer lost."""
    sent = [photo(200 + n) for n in range(3)]
    with cutting(server.socket) as way:
        resent = []
        for one in sent:
            path, size = directory / one.sha256, len(one.content)
            path.write_bytes(one.content)
            way.cuts, way.passed, way.broken = cuts_of(size, PIECE), 0, 0
            way.lost_answers = [size]
            order = {
                "endpoint": f"http://127.0.0.1:{way.port}/api/v1/uploads",
                "token": worker.token,
                "chunk_bytes": PIECE,
                "files": [{"path": str(path), "sha256": one.sha256, "media_type": "image/jpeg"}],
            }
            done = subprocess.run(
                [CHECKOUT / ".venv/bin/node", "tests/tus/upload.mjs"], cwd=CHECKOUT / "web", check=True,
                input=json.dumps(order), capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            told = json.loads(done.stdout)
            assert told["done"], told
            assert ([], []) == (way.cuts, way.lost_answers), "the way broke wherever it should"
            resent.append((way.passed - size, way.broken))
    for one in sent:
        assert one.content == server.app.state.parts.evidence.vault.get(one.sha256)
    assert all(again <= cuts * PIECE for again, cuts in resent)
