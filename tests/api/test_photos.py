"""Photos over HTTP: sent twice is stored once, what is no photo is refused, what is shown is made from it."""

import hashlib
import io
import os
import random
import resource
import socket
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from PIL import Image
from sqlalchemy import make_url

from gridmgmt.demo.photos import DrawnPhoto
from gridmgmt.services import scrubbing
from gridmgmt.storage.db import make_engine
from gridmgmt.storage.rights.walls import Login
from gridmgmt.worker import for_every_subdistrict
from tests.adapters.pictures import bombs, mutants, with_notes
from tests.api.client import Person, Server, make_photo

MUTANTS = 60


def named(content: bytes) -> DrawnPhoto:
    return DrawnPhoto(content, hashlib.sha256(content).hexdigest())


def test_the_first_upload_is_created_and_the_next_one_known(worker: Person) -> None:
    photo = make_photo()
    first, again = worker.put_photo(photo), worker.put_photo(photo)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert first.json() == {
        "sha256": photo.sha256, "media_type": "image/jpeg", "bytes": len(photo.content), "width": 16,
        "height": 8, "duration_ms": None, "received_at": "2026-11-23T02:00:00Z",
    }  # fmt: skip


def test_what_is_shown_is_a_derivative_shut_in(worker: Person, shift: Person) -> None:
    photo = named(with_notes(size=(2000, 1500)))
    assert 201 == worker.put_photo(photo).status_code
    for size, most in (("screen", 1600), ("thumb", 320)):
        answer = shift.get(f"/photos/{photo.sha256}", size=size)
        image = Image.open(io.BytesIO(answer.content))
        assert image.width <= most
        assert not {"exif", "comment", "icc_profile"} & image.info.keys()
        assert b"SN-4711" not in answer.content
        assert answer.content != photo.content
        assert "image/jpeg" == answer.headers["Content-Type"]
        assert "private, max-age=3600" == answer.headers["Cache-Control"]
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert f'inline; filename="{photo.sha256[:16]}-{size}.jpg"' == answer.headers["Content-Disposition"]
    assert 422 == shift.get(f"/photos/{photo.sha256}", size="original").status_code


def png(size: tuple[int, int] = (16, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG")
    return buffer.getvalue()


REFUSED = {
    "not_an_image": (named(b"Dear sir, this is a text called photo.jpg"), "image/jpeg"),
    "hash_differs": (DrawnPhoto(make_photo().content, "0" * 64), "image/jpeg"),
    "truncated": (named(png((400, 300))[:-40]), "image/png"),
    "type_differs": (named(png()), "image/jpeg"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_photo_is_refused_with_the_reason(worker: Person, reason: str) -> None:
    photo, media_type = REFUSED[reason]
    answer = worker.put_photo(photo, media_type)
    assert (answer.status_code, answer.json()["code"]) == (422, "unacceptable_photo")
    assert answer.json()["facts"]["reason"] == reason
    assert worker.get(f"/photos/{photo.sha256}").status_code == 404


@pytest.mark.parametrize(("media_type", "content"), [b[1:] for b in bombs()], ids=[b[0] for b in bombs()])
def test_a_bomb_is_refused(worker: Person, media_type: str, content: bytes) -> None:
    answer = worker.put_photo(named(content), media_type)
    assert 422 == answer.status_code
    assert "unacceptable_photo" == answer.json()["code"]


def test_ten_claimed_gigabytes_are_refused_unread(worker: Person) -> None:
    head = (
        f"PUT /api/v1/photos/{'ab' * 32} HTTP/1.1\r\nHost: street.test\r\nContent-Type: image/jpeg\r\n"
        f"Authorization: Bearer {worker.token}\r\nContent-Length: {10 * 2**30}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(worker.server.socket))
        line.settimeout(10)
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_what_grows_past_the_limit_is_refused_on_the_way(worker: Person, server: Server) -> None:
    piece = bytes(2**20)
    answer = worker.http.put(
        f"/api/v1/photos/{'ab' * 32}",
        content=(piece for _ in range(30)),
        headers={"Content-Type": "image/jpeg"},
    )
    assert (413, "too_large") == (answer.status_code, answer.json()["code"])
    assert [] == list(server.app.state.parts.evidence.spool.leftovers())


def test_damaged_photos_cost_nobody_anything(worker: Person) -> None:
    answers = [worker.put_photo(named(c), t).status_code for t, c in mutants(seed=2026, count=MUTANTS)]
    assert {201, 422} >= set(answers) - {200}
    assert 201 == worker.put_photo(make_photo()).status_code


def test_a_photo_is_named_by_its_digest_and_nothing_else(worker: Person, server: Server) -> None:
    chance = random.Random(6)
    odd = ["../", "..%2f", "%00", "\u202e", "CON", "nul.jpg", "😀", "a" * 4000, "\\", ";", "%", "'", '"', "|"]
    names = ["photo.jpg", "A" * 64, "0" * 63, "../../etc/passwd", "0" * 64 + "%00", "0" * 32 + "/" + "0" * 31]
    names += ["".join(chance.choices(odd, k=chance.randint(1, 4))) for _ in range(200)]
    root = server.app.state.parts.settings.photo_dir
    before = sorted(p for p in root.parent.rglob("*"))
    for name in names:
        answer = worker.http.put(
            f"/api/v1/photos/{name}", content=b"x", headers={"Content-Type": "image/jpeg"}
        )
        assert answer.status_code in {307, 404, 405, 415, 422}, name
    assert before == sorted(p for p in root.parent.rglob("*"))


def test_a_photo_without_a_type_is_refused(worker: Person) -> None:
    photo = make_photo()
    answer: httpx.Response = worker.http.put(f"/api/v1/photos/{photo.sha256}", content=photo.content)
    assert answer.json()["facts"]["reason"] == "type_differs"


def test_who_may_send_nothing_is_told_before_he_sends(shift: Person) -> None:
    photo = make_photo()
    assert 403 == shift.put_photo(photo).status_code
    assert 404 == shift.get(f"/photos/{photo.sha256}").status_code


def test_a_damaged_photo_is_gone_said_so_and_audited(worker: Person, shift: Person, server: Server) -> None:
    photo = named(with_notes(size=(90, 70)))
    worker.put_photo(photo)
    blobs = server.app.state.parts.evidence.vault.blobs
    for name, _ in list(blobs.listing()):
        blobs.replace(name, (blobs.read(name) or b"")[:-1])
    answer = shift.get(f"/photos/{photo.sha256}")
    assert (410, "evidence_damaged") == (answer.status_code, answer.json()["code"])
    with server.engine.connect() as db:
        lines = db.exec_driver_sql(
            "select outcome, code from app.audit_log where object_id = %s order by id desc limit 1",
            (photo.sha256,),
        ).all()
    assert [("refused", "evidence_damaged")] == lines
    (missing,) = [p for p in shift.get("/photos").json()["items"] if p["sha256"] == photo.sha256]
    assert "missing" == missing["state"]
    assert 201 == worker.put_photo(photo).status_code, "sent again it is whole again"
    assert 200 == shift.get(f"/photos/{photo.sha256}").status_code


def test_the_worker_reads_everything_again_with_no_more_rights_than_his(
    worker: Person, server: Server, own_demo_url: str
) -> None:
    whole, damaged = named(with_notes(size=(70, 50))), named(with_notes(size=(71, 50)))
    room = server.app.state.parts.evidence
    for photo in (whole, damaged):
        assert 201 == worker.put_photo(photo).status_code
    room.vault.blobs.replace(damaged.sha256, (room.vault.blobs.read(damaged.sha256) or b"")[:-1])
    given = make_url(own_demo_url).set(username=Login.WORKER).render_as_string(hide_password=False)
    engine = make_engine(given, pool_size=1)
    found = scrubbing.scrub(
        room, lambda: for_every_subdistrict(engine), server.clock.at + timedelta(days=30), remove=True
    )
    engine.dispose()
    assert damaged.sha256 in found.damaged
    settings = server.app.state.parts.settings
    environment = {
        "GRIDMGMT_ENVIRONMENT": "demo",
        "GRIDMGMT_HOME": str(settings.home),
        "GRIDMGMT_DATABASE_URL": settings.require_database_url(),
        "GRIDMGMT_WORKER_DATABASE_URL": given,
    }
    command = [sys.executable, "-m", "gridmgmt", "evidence", "scrub", "--keep-orphans"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert 1 == done.returncode, done.stderr
    assert f"damaged {damaged.sha256}" in done.stdout
    assert whole.sha256 not in done.stdout
    assert whole.sha256 not in found.damaged + found.missing
    (line,) = [p for p in worker.get("/photos").json()["items"] if p["sha256"] == damaged.sha256]
    assert ("missing", "differs") == (line["state"], line["refused_reason"])
    assert 201 == worker.put_photo(damaged).status_code


def test_the_original_is_lent_once_with_a_reason(worker: Person, server: Server) -> None:
    photo = named(with_notes(size=(80, 60)))
    worker.put_photo(photo)
    director, auditor = server.person("demo-director"), server.person("demo-auditor")
    assert 403 == worker.post(f"/photos/{photo.sha256}/original", {"reason": "想看看"}).status_code
    early = auditor.post(f"/photos/{photo.sha256}/original", {"reason": "复核拍摄时间"})
    assert "step_up_needed" == early.json()["code"]
    auditor.step_up()
    asked = auditor.post(f"/photos/{photo.sha256}/original", {"reason": "复核拍摄时间"})
    assert 201 == asked.status_code
    path = asked.json()["url"].removeprefix("/api/v1")
    assert "2026-11-23T02:05:00Z" == asked.json()["expires_at"]
    assert 404 == director.http.get(f"/api/v1{path}").status_code, "a link is its asker's"
    answer = auditor.http.get(f"/api/v1{path}")
    assert photo.content == answer.content
    assert "application/octet-stream" == answer.headers["Content-Type"]
    assert "no-store" == answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert 404 == auditor.http.get(f"/api/v1{path}").status_code, "and holds once"
    assert 422 == auditor.post(f"/photos/{photo.sha256}/original", {"reason": " "}).status_code


def test_the_ledger_answers_sender_and_desk(worker: Person, acceptor: Person) -> None:
    draft, photo, other = worker.draft(), make_photo(), make_photo()
    coming = [
        {"sha256": p.sha256, "media_type": "image/jpeg", "bytes": len(p.content)} for p in (photo, other)
    ]
    told = worker.http.put(f"/api/v1/reports/{draft['id']}/photos", json={"photos": coming})
    assert (200, False) == (told.status_code, told.json()["complete"])
    worker.put_photo(photo)
    found = acceptor.get(f"/reports/{draft['id']}/photos").json()
    assert ["stored", "announced"] == [p["state"] for p in found["photos"]]
    assert other.sha256 in {p["sha256"] for p in acceptor.get("/photos").json()["items"]}
    worker.put_photo(other)
    assert worker.get(f"/reports/{draft['id']}/photos").json()["complete"]


def test_a_full_disk_refuses_with_a_code_and_recovers_by_itself(worker: Person) -> None:
    photo = make_photo()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The nearest to a full disk that needs no right to mount one.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        answer = worker.put_photo(photo)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (507, "store_full", "30") == (
        answer.status_code, answer.json()["code"], answer.headers["Retry-After"],
    )  # fmt: skip
    assert 201 == worker.put_photo(photo).status_code
