"""Reports made without a network and sent over a bad one, by a real page; in ``test_outbox`` and in full.

Some reports go through the form, the others through the function that the form calls. Then the line comes
back, cuts connections at random bytes, and the page is killed and opened again in the middle of it.
"""

import base64
import hashlib
import io
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser
from sqlalchemy import Engine, text

from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.journeys.field.badline import CuttingLine
from tests.journeys.pages import FieldPage

REFUSE = "06010"
ROUNDS = 5_000

# Each report is handed over twice at once: a double tap.
_KEEP = """async (reports) => {
  const { keepReport, takePhoto, newId } = window.__field
  const ids = []
  for (const { report, photos } of reports) {
    const taken = []
    for (const b64 of photos) {
      const bytes = Uint8Array.from(atob(b64), (letter) => letter.charCodeAt(0))
      taken.push(await takePhoto(new Blob([bytes])))
    }
    const id = newId()
    const refs = taken.map(({ sha256, media_type, bytes }) => ({ sha256, media_type, bytes }))
    const observed_at = new Date().toISOString()
    const body = { ...report, id, observed_at, photos: refs.map((one) => one.sha256) }
    const bodies = new Map(taken.map((one) => [one.sha256, one.blob]))
    await Promise.all([1, 2].map(() => keepReport(body, '暴露垃圾', refs, bodies)))
    ids.push(id)
  }
  return ids
}"""
_KEPT_PHOTOS = """() => new Promise((resolve) => {
  const opening = indexedDB.open('gridmgmt_field')
  opening.onsuccess = () => {
    const count = opening.result.transaction('photos').objectStore('photos').count()
    count.onsuccess = () => { opening.result.close(); resolve(count.result) }
  }
})"""


@dataclass(frozen=True, slots=True)
class Load:
    """How much of everything."""

    reports: int
    through_form: int
    photos: int
    kills: int
    cuts: int
    most_pixels: int


@dataclass
class Outcome:
    """What was made on the phone, and what it took to bring it home."""

    expected: dict[str, list[str]] = field(default_factory=dict)
    """Photos by the report's id, in their order."""
    photo_bytes: int = 0
    kills: int = 0
    rounds: int = 0
    seconds: float = 0.0
    left_photos: int = 0
    foreign: list[str] = field(default_factory=list)


def make_picture(rng: random.Random, most_pixels: int) -> bytes:
    """A JPEG of noise: as large as a camera's for its pixels, and no two alike."""
    edge = rng.randrange(160, most_pixels)
    noise = np.random.default_rng(rng.randrange(2**32)).integers(0, 255, (edge, edge, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", quality=rng.randrange(60, 92))
    return out.getvalue()


def play(
    browser: Browser, line: CuttingLine, place: dict[str, float], load: Load, folder: Path, seed: int
) -> Outcome:
    """Write everything without a network, then send it over the bad line; returns when nothing is left."""
    rng, outcome = random.Random(seed), Outcome()
    phone = FieldPage(browser, line.base_url, place)
    phone.open()
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    phone.context.set_offline(offline=True)
    shares = _shared(load.photos, load.reports, rng)
    pictures = [[make_picture(rng, load.most_pixels) for _ in range(count)] for count in shares]
    outcome.photo_bytes = sum(len(one) for report in pictures for one in report)
    for number, photos in enumerate(pictures[: load.through_form]):
        _by_hand(phone, photos, folder, number, outcome)
    _by_the_forms_function(phone, place, pictures[load.through_form :], outcome)
    assert phone.unsent() == load.reports
    began = time.perf_counter()
    line.turn_bad()
    phone.context.set_offline(offline=False)
    _send(phone, line, load, outcome)
    outcome.seconds = time.perf_counter() - began
    outcome.left_photos = phone.page.evaluate(_KEPT_PHOTOS)
    outcome.foreign = phone.watch.foreign
    phone.context.close()
    return outcome


def _shared(photos: int, reports: int, rng: random.Random) -> list[int]:
    """Photos dealt out to reports, at least one and at most nine each."""
    shares = [1] * reports
    while sum(shares) < photos:
        chosen = rng.randrange(reports)
        shares[chosen] += shares[chosen] < 9
    return shares


def _by_hand(phone: FieldPage, photos: list[bytes], folder: Path, number: int, outcome: Outcome) -> None:
    """Through the form, with two taps on its button."""
    paths = []
    for index, content in enumerate(photos):
        paths.append(folder / f"{number}-{index}.jpg")
        paths[-1].write_bytes(content)
    phone.write(paths[0], REFUSE, f"断网时写的第 {number} 件")
    for path in paths[1:]:
        phone.by("photo-input").set_input_files(path)
    phone.page.locator("[data-testid=photo-preview]").nth(len(paths) - 1).wait_for()
    phone.by("send").dblclick()
    phone.by("kept-card").wait_for()
    report_id = phone.page.url.rpartition("/")[2]
    outcome.expected[report_id] = [hashlib.sha256(one).hexdigest() for one in photos]
    phone.page.evaluate("() => { location.hash = '' }")
    phone.by("report").wait_for()


def _by_the_forms_function(
    phone: FieldPage, place: dict[str, float], pictures: Iterable[list[bytes]], outcome: Outcome
) -> None:
    for number, photos in enumerate(pictures):
        report = {
            "category": "matter:06010", "description": f"断网上报 {number}", "source": "patrol",
            "position": {"lon": place["lon"], "lat": place["lat"], "datum": "wgs84", "accuracy_m": 9},
            "self_handled": False,
        }  # fmt: skip
        sent = {"report": report, "photos": [base64.b64encode(one).decode() for one in photos]}
        (report_id,) = phone.page.evaluate(_KEEP, [sent])
        outcome.expected[report_id] = [hashlib.sha256(one).hexdigest() for one in photos]


def _send(phone: FieldPage, line: CuttingLine, load: Load, outcome: Outcome) -> None:
    """Round by round, as a network that comes and goes; kills in between, a good line in the end."""
    kills = [load.cuts * (n + 1) // (load.kills + 1) for n in range(load.kills)]
    for _ in range(ROUNDS):
        if phone.unsent() == 0:
            return
        outcome.rounds += 1
        if len(kills) > outcome.kills and len(line.cuts) >= kills[outcome.kills]:
            outcome.kills += 1
            phone.reopen()
        line.bad = len(line.cuts) < load.cuts
        phone.page.evaluate("() => void dispatchEvent(new Event('online'))")
        phone.page.wait_for_timeout(60)  # a round is under way
    raise AssertionError(f"{phone.unsent()} are still on the phone after {ROUNDS} rounds")


def require_everything_once(engine: Engine, outcome: Outcome) -> None:
    """On the server: every report once with its photos in their order, one case each, and nothing besides."""
    ids = list(outcome.expected)
    with transaction(engine, NOBODY, read_only=True) as db:
        (made,) = db.execute(
            text("select count(*) from app.reports where id = any(:ids)"), {"ids": ids}
        ).one()
        assert made == len(ids), "nothing is lost"
        (of_him,) = db.execute(
            text(
                "select count(*) from app.reports where received_at >="
                " (select min(received_at) from app.reports where id = any(:ids))"
            ),
            {"ids": ids},
        ).one()
        assert of_him == len(ids), "nothing is doubled"
        (opened,) = db.execute(
            text("select count(*) from app.cases where report_id = any(:ids)"), {"ids": ids}
        ).one()
        assert opened == len(ids)
        rows = db.execute(
            text(
                "select report_id, sha256 from app.report_photos where report_id = any(:ids)"
                " order by report_id, position"
            ),
            {"ids": ids},
        ).all()
    stored: dict[str, list[str]] = {}
    for report_id, sha256 in rows:
        stored.setdefault(str(report_id), []).append(sha256)
    assert stored == outcome.expected, "every photo by its SHA-256, in its order"


def facts_of(outcome: Outcome, line: CuttingLine) -> dict[str, Any]:
    """The figures of a run."""
    return {
        "reports": len(outcome.expected),
        "photos": sum(map(len, outcome.expected.values())),
        "photo bytes": outcome.photo_bytes,
        "bytes sent by the phone": line.from_phone,
        "sent over photo bytes": round(line.from_phone / outcome.photo_bytes, 2),
        "connections cut": len(line.cuts),
        "of them as the answer came": line.lost_answers,
        "page killed": outcome.kills,
        "rounds": outcome.rounds,
        "seconds to bring it home": round(outcome.seconds, 1),
    }
