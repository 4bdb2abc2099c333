"""What sealing costs, and how often the promises about personal data are kept at their full counts.

Ours is a report's share of work at the door; the other sides are the same reports when they confide nothing,
and a plain AES-GCM of the same library without keys by month, context and version. The counts (changed
values refused, copies traced) need no database: ``python -m bench.privacy``.
"""

import random
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.report import Options, Result, Side, main, typical_of
from gridmgmt.adapters.keyring import FileKeyRing, open_key_ring
from gridmgmt.domain import watermark
from gridmgmt.domain.personal import Contact
from gridmgmt.domain.report import Source
from gridmgmt.errors import Unreadable
from gridmgmt.services.confidences import confided

_TEXT = "楼道堆物，影响通行，请尽快处理。" * 4
_CONTACT = Contact("张三", "13800001234")
_BEGAN = datetime(2026, 10, 1, tzinfo=UTC)


def run(options: Options) -> Result:
    """Seal reports, spoil sealed values, trace copies."""
    count = 200 if options.quick else 2_000
    spoilt = 100 if options.quick else 1_000
    with tempfile.TemporaryDirectory() as place:
        keys = open_key_ring(Path(place) / "kek.json", Path(place) / "data", make=True)
        ids = [uuid.UUID(int=n) for n in range(count)]
        plain = AESGCM(bytes(32))
        with_contact, _ = typical_of(lambda: [confided(keys, i, Source.WINDOW, _TEXT, _CONTACT) for i in ids])
        nothing, _ = typical_of(lambda: [confided(keys, i, Source.PATROL, _TEXT, None) for i in ids])
        bare, _ = typical_of(
            lambda: [plain.encrypt(n.bytes[:12], _TEXT.encode(), b"") for n in ids for _ in range(4)]
        )
        refused = _spoil(keys, spoilt)
    traced, wrongly = _trace(20)
    return Result(
        name="privacy",
        question="what does a report cost that confides name, number and words, and are the counts kept?",
        unit="reports",
        sides=(
            Side("sealed: key, text, name, number, index", count / with_contact),
            Side("the same report when it confides nothing", count / nothing, "one look at its text"),
            Side("four plain AES-256-GCM", count / bare, "no context, no versions, no index"),
        ),
        facts={
            "sealing_us_per_report": round(with_contact / count * 1e6, 1),
            "looking_us_per_report": round(nothing / count * 1e6, 2),
            "spoilt_values": spoilt,
            "spoilt_values_refused": refused,
            "copies_with_half_their_rows": 20,
            "copies_traced": traced,
            "copies_traced_to_somebody_else": wrongly,
        },
        goals={
            "every changed, cut or exchanged value is refused": refused == spoilt,
            "20 of 20 copies are traced after half the rows are gone, none wrongly": (traced, wrongly)
            == (20, 0),
            "a report that confides nothing pays under 10 µs": nothing / count < 1e-5,
        },
    )


def _spoil(keys: FileKeyRing, count: int) -> int:
    chance = random.Random(46)
    places = [f"contacts|phone|{n}" for n in range(50)]
    sealed = [keys.seal(f"1380000{n:04}".encode(), context=place) for n, place in enumerate(places)]
    refused = 0
    for attempt in range(count):
        here = chance.randrange(50)
        value = bytearray(sealed[here])
        match attempt % 3:
            case 0:
                value[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
            case 1:
                value = bytearray(sealed[(here + chance.randrange(1, 50)) % 50])
            case _:
                del value[chance.randrange(len(value)) :]
        try:
            keys.open(bytes(value), context=places[here])
        except Unreadable:
            refused += 1
    return refused


def _trace(recipients: int) -> tuple[int, int]:
    chance = random.Random(41)
    cases = [
        (_BEGAN + timedelta(seconds=chance.randrange(2_000_000)), chance.random() / 20, chance.random() / 20)
        for _ in range(200)
    ]
    secrets = [bytes([n]) * 32 for n in range(recipients)]
    traced = wrongly = 0
    for whose, secret in enumerate(secrets):
        rows: list[tuple[str, Decimal, Decimal]] = [
            (
                watermark.marked_time(secret, at),
                watermark.marked_degree(secret, 117.6 + x),
                watermark.marked_degree(secret, 39.0 + y),
            )
            for at, x, y in cases
        ]
        half = chance.sample(rows, len(rows) // 2)
        values = watermark.values_in("\n".join(f"{at},{x},{y}" for at, x, y in half))
        found = [n for n, one in enumerate(secrets) if watermark.weigh(one, *values).certain]
        traced += whose in found
        wrongly += len(set(found) - {whose})
    return traced, wrongly


if __name__ == "__main__":
    sys.exit(main([run]))
