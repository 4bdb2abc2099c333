"""The full counts behind decision record 0012: ``python -m bench.evidence [--on 2026-07-01] [--quick]``.

What the tests check with small counts is repeated here with the promised ones and kept in
``bench/results/evidence.json``: mutated photos over HTTP, bombs, kills, flipped bits, served derivatives,
names, cuts of uploads, a full disk. No ratio to a peer, hence no ``run``: ``python -m bench`` leaves it out.
Everything is synthetic and on this machine.
"""

import argparse
import hashlib
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageStat

from bench.report import RESULTS, machine
from gridmgmt.adapters.evidence.watermark import Marker
from gridmgmt.services import evidence as service
from gridmgmt.services import scrubbing
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import schema
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.embedded import Cluster, test_cluster
from gridmgmt.storage.rights.prepare import prepare
from gridmgmt.storage.rights.walls import NOBODY
from tests.adapters.pictures import bombs, mutants, picture, with_notes
from tests.api.client import Person, Server, make_photo, make_settings, served
from tests.api.cutting import cuts_of, cutting
from tests.builders_cases import NOW
from tests.builders_street import Street
from tests.conftest import CHECKOUT
from tests.services.killing import kill_everywhere, opened, room_at

FULL = {"mutants": 5000, "kills": 20, "flips": 100, "served": 1000, "names": 2000, "uploads": 300}
QUICK = {"mutants": 50, "kills": 1, "flips": 10, "served": 10, "names": 50, "uploads": 2}
PIECE = 4096


@dataclass
class Measured:
    """Figures by the id that they answer to, and what was promised of them."""

    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    goals: dict[str, bool] = field(default_factory=dict)

    def note(self, name: str, figures: dict[str, Any], **goals: bool) -> None:
        """Keep and print."""
        self.figures[name] = figures
        self.goals |= {f"{name}: {goal.replace('_', ' ')}": kept for goal, kept in goals.items()}
        sys.stdout.write(f"{name} {figures} {'kept' if all(goals.values()) else 'MISSED'}\n")
        sys.stdout.flush()


def named(content: bytes) -> str:
    """Its digest."""
    return hashlib.sha256(content).hexdigest()


def put(who: Person, media_type: str, content: bytes) -> int:
    """Status of a PUT."""
    answer = who.http.put(
        f"/api/v1/photos/{named(content)}", content=content, headers={"Content-Type": media_type}
    )
    return answer.status_code


def mutated(who: Person, count: int, out: Measured) -> None:
    """G1: damaged photos over HTTP."""
    statuses: Counter[int] = Counter()
    longest_s = 0.0
    for media_type, content in mutants(seed=2026, count=count):
        began = time.perf_counter()
        statuses[put(who, media_type, content)] += 1
        longest_s = max(longest_s, time.perf_counter() - began)
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    figures = {
        "sent": count, "statuses": {str(s): n for s, n in sorted(statuses.items())},
        "longest_s": round(longest_s, 2), "process_peak_rss_mb": round(peak_mb),
    }  # fmt: skip
    out.note(
        "G1", figures, no_5xx=max(statuses) < 500, below_1_gib=peak_mb < 1024, each_in_10_s=longest_s < 10
    )


def bombed(who: Person, out: Measured) -> None:
    """G2: twenty things that are no photo."""
    statuses = {name: put(who, media_type, content) for name, media_type, content in bombs()}
    refused = sum(400 <= s < 500 for s in statuses.values())
    out.note("G2", {"bombs": len(statuses), "refused": refused}, all_refused=refused == len(statuses) == 20)


def killed(url: str, root: Path, actor: Any, times: int, out: Measured) -> None:
    """G3: kill -9 at every named point."""
    tally = kill_everywhere(url, root, actor, NOW, times=times, seed=3)
    figures = {
        "kills": tally.kills, "acknowledged": tally.acknowledged, "lost": len(tally.lost),
        "differing": len(tally.differing), "orphans_before_sweep": tally.orphans_before,
        "orphans_after_sweep": tally.orphans_after,
    }  # fmt: skip
    out.note(
        "G3", figures, none_lost=not tally.lost, none_differing=not tally.differing,
        no_orphan=tally.orphans_after == 0,
    )  # fmt: skip


_FULL_DISK = """
import sys
from pathlib import Path
from gridmgmt.adapters.evidence.blobs import LocalBlobs
from gridmgmt.errors import StoreFull
store, stored, refused = LocalBlobs(Path(sys.argv[1])), 0, 0
for n in range(40):
    try:
        stored += store.add(f"{n:064x}", bytes(2 * 2**20))
    except StoreFull:
        refused += 1
store.remove(f"{0:064x}")
again = store.add(f"{99:064x}", bytes(2 * 2**20))
parts = sum(p.name.endswith(".part") for p in Path(sys.argv[1]).rglob("*"))
whole = all(len(store.read(k)) == 2 * 2**20 for k, _ in store.listing())
print(stored, refused, int(again), parts, int(whole))
"""


def filled(directory: Path, out: Measured) -> None:
    """G4: a disk of 64 MB in memory that fills up; a mount namespace of its own, so nothing is left."""
    place = directory / "small"
    place.mkdir()
    script = 'mount -t tmpfs -o size=64m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(place), sys.executable, _FULL_DISK],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        out.note("G4", {"mounted": False, "why": done.stderr.strip()[-100:]}, ran=False)
        return
    stored, refused, again, parts, whole = map(int, done.stdout.split())
    figures = {"mounted": True, "stored": stored, "refused": refused, "parts_left": parts}
    out.note(
        "G4", figures, refused_when_full=refused > 0, recovered_alone=again == 1, nothing_half=parts == 0,
        all_whole=whole == 1,
    )  # fmt: skip


def shown(who: Person, desk: Person, server: Server, count: int, out: Measured) -> None:
    """G5: served derivatives have nothing of the camera and a strip that can be read."""
    marker = Marker((CHECKOUT / "data" / "fonts" / "labels.otf").read_bytes())
    clean = readable = 0
    for number in range(count):
        content = with_notes(seed=number + 10_000, size=(480, 360), quality=88)
        put(who, "image/jpeg", content)
        answer = desk.get(f"/photos/{named(content)}", size="screen" if number % 2 else "thumb")
        image = Image.open(io.BytesIO(answer.content))
        dirty = {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()
        clean += not dirty and b"SN-4711" not in answer.content and b"Exif" not in answer.content
        lines = [
            [("received", "2026-11-23 10:00:00 +0800"), ("clock", "")],
            [("reporter", "demo-worker-001"), ("digest", named(content)[:12])],
        ]
        readable += _differs(image, marker, lines) < 6
    server.clock.at = NOW
    out.note(
        "G5", {"served": count, "clean": clean, "readable": readable}, all_clean=clean == count,
        all_readable=readable == count,
    )  # fmt: skip


def _differs(image: Image.Image, marker: Marker, lines: Any) -> float:
    wanted = marker.strip(image.width, lines)
    found = image.crop((0, image.height - wanted.height, image.width, image.height))
    return float(ImageStat.Stat(ImageChops.difference(wanted, found).convert("L")).mean[0])


def misnamed(who: Person, server: Server, count: int, out: Measured) -> None:
    """G6: names that would lead elsewhere."""
    chance = random.Random(6)
    odd = ["../", "..%2f", "%00", "\u202e", "CON", "nul.jpg", "😀", "a" * 4000, "\\", ";", "%", "'", '"', "|"]
    root = server.app.state.parts.settings.photo_dir
    before = sorted(root.parent.rglob("*"))
    statuses: Counter[int] = Counter()
    for _ in range(count):
        name = "".join(chance.choices(odd, k=chance.randint(1, 5)))
        answer = who.http.put(f"/api/v1/photos/{name}", content=b"x", headers={"Content-Type": "image/jpeg"})
        statuses[answer.status_code] += 1
    escapes = len(set(root.parent.rglob("*")) - set(before))
    figures = {
        "names": count,
        "statuses": {str(s): n for s, n in sorted(statuses.items())},
        "escapes": escapes,
    }
    out.note("G6", figures, no_escape=escapes == 0, no_5xx=max(statuses) < 500)


def flipped(url: str, root: Path, actor: Any, count: int, out: Measured) -> None:
    """G7: one flipped bit in each of many stored files."""
    room, chance, books = room_at(root), random.Random(12), RuleBooks()
    digests = []
    for _ in range(count):
        content = chance.randbytes(chance.randrange(2000, 200_000))
        digest = named(content)
        with opened(url, actor) as db:
            admission = service.admit(db, actor, NOW, books, digest)
            sent = service.Sent("image/jpeg", content, digest)
            service.settle(db, actor, NOW, admission, sent, service.take_in(room, admission, sent))
        path = room.vault.blobs.path(digest)  # type: ignore[attr-defined]
        data = bytearray(path.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        digests.append(digest)
    at_read = sum(room.vault.fault(digest) == "differs" for digest in digests)
    found = scrubbing.scrub(room, lambda: opened(url, actor), NOW, remove=False)
    by_scrub = len(set(digests) & set(found.damaged))
    out.note(
        "G7", {"flipped": count, "found_at_read": at_read, "found_by_scrub": by_scrub},
        all_at_read=at_read == count, all_by_scrub=by_scrub == count,
    )  # fmt: skip


def cut(who: Person, server: Server, directory: Path, count: int, out: Measured) -> None:
    """E5: the real client across a way that breaks at every boundary of a piece and a byte beside."""
    equal = broken = resent = within = bytes_sent = 0
    with cutting(server.socket) as way:
        for number in range(count):
            content = picture(seed=number + 50_000, size=(220, 160), quality=95)
            path, size = directory / named(content), len(content)
            path.write_bytes(content)
            way.cuts, way.passed, way.broken = cuts_of(size, PIECE), 0, 0
            way.lost_answers = [size]
            order = {
                "endpoint": f"http://127.0.0.1:{way.port}/api/v1/uploads", "token": who.token,
                "chunk_bytes": PIECE,
                "files": [{"path": str(path), "sha256": named(content), "media_type": "image/jpeg"}],
            }  # fmt: skip
            done = subprocess.run(
                [CHECKOUT / ".venv/bin/node", "tests/tus/upload.mjs"], cwd=CHECKOUT / "web",
                input=json.dumps(order), capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip
            path.unlink()
            told = json.loads(done.stdout or "{}")
            vault = server.app.state.parts.evidence.vault
            equal += bool(told.get("done")) and vault.fault(named(content)) is None
            within += not way.cuts and way.passed - size <= way.broken * PIECE
            broken, resent, bytes_sent = broken + way.broken, resent + way.passed - size, bytes_sent + size
    figures = {
        "files": count, "bytes": bytes_sent, "chunk_bytes": PIECE, "cuts": broken, "equal": equal,
        "resent_bytes": resent, "resent_bytes_a_cut": round(resent / max(broken, 1), 1),
    }  # fmt: skip
    out.note("E5", figures, all_equal=equal == count, at_most_one_chunk_a_cut=within == count)


@contextmanager
def databases() -> Iterator[Callable[[str], str]]:
    """Copies of the demo street on a cluster of the tests' kind."""
    from gridmgmt.demo.load import load_demo  # noqa: PLC0415  geopandas takes a second to import

    cluster: Cluster = test_cluster()
    made: list[str] = []

    def load(url: str) -> None:
        prepare(url)
        schema.migrate(url)
        engine = make_engine(url, pool_size=1)
        load_demo(engine, CHECKOUT / "data", NOW, lambda *_: None)
        engine.dispose()

    with cluster.shared():
        template = f"bench_evidence_{os.getpid()}"
        cluster.create_template(template, load)

        def copy(name: str) -> str:
            made.append(f"{template}_{name}")
            return cluster.clone(template, made[-1])

        try:
            yield copy
        finally:
            for name in [*made, template]:
                cluster.drop(name)


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.evidence", description=__doc__.splitlines()[0])
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--quick", action="store_true", help="small counts; the result is not kept")
    parser.add_argument("--only", choices=["G2", "G5", "G6", "E5", "G1"], help="one figure again")
    asked = parser.parse_args()
    counts, out = QUICK if asked.quick else FULL, Measured()
    with databases() as copy, tempfile.TemporaryDirectory(prefix="gm-") as made:
        directory = Path(made)
        if not asked.only:
            _below_http(copy("kills"), directory, counts, out)
        with served(make_settings(copy("http"), directory), directory) as server:
            _over_http(server, directory, counts, out, asked.only)
    if not asked.quick:
        _keep(out, asked.on)
    return int(not all(out.goals.values()))


def _below_http(url: str, directory: Path, counts: Mapping[str, int], out: Measured) -> None:
    engine = make_engine(url, pool_size=1)
    with transaction(engine, NOBODY) as db:
        acceptor = Street(db, RuleBooks()).acceptor
    engine.dispose()
    killed(url, directory / "kills", acceptor, counts["kills"], out)
    flipped(url, directory / "flips", acceptor, counts["flips"], out)
    filled(directory, out)


def _over_http(
    server: Server, directory: Path, counts: Mapping[str, int], out: Measured, only: str | None
) -> None:
    who, desk = server.person("demo-worker-001"), server.person("demo-shift")
    measures: dict[str, Callable[[], None]] = {
        "G2": lambda: bombed(who, out),
        "G5": lambda: shown(who, desk, server, counts["served"], out),
        "G6": lambda: misnamed(who, server, counts["names"], out),
        "E5": lambda: cut(who, server, directory, counts["uploads"], out),
        "G1": lambda: mutated(who, counts["mutants"], out),
    }
    for name, measure in measures.items():
        if only in {None, name}:
            measure()
    assert put(who, "image/jpeg", make_photo().content) == 201, "and the next photo is taken as ever"


def _keep(out: Measured, on: date) -> None:
    """Write the figures over those of the same id; each bears its own day."""
    path = RESULTS / "evidence.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"figures": {}, "goals": {}}
    goals = {g: k for g, k in known["goals"].items() if g.partition(":")[0] not in out.figures}
    figures = {name: {"on": on.isoformat(), **found} for name, found in out.figures.items()}
    document = {
        "benchmark": "evidence", "synthetic": True, "figures": known["figures"] | figures,
        "goals": goals | out.goals, "machine": machine(),
    }  # fmt: skip
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
