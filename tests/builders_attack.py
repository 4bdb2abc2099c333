"""Geometry that somebody sends who means harm, or whose program is broken. All of it is GeoJSON text.

``PROBES`` are the forty denial-of-service probes: each is small to send and was, somewhere, expensive or
fatal to take (self-crossing scribbles that keep a repair busy for minutes, vertices and rings by the ten
thousand, nesting, numbers that are none). ``WRONG`` are honest mistakes, each with the reason that must be
given.
"""

import json
import math
import random
from collections.abc import Callable

WEST, SOUTH = 117.63, 39.02
EDGE = 0.02


def text_of(kind: str, coordinates: object, **members: object) -> bytes:
    """The text of a geometry."""
    return json.dumps({"type": kind, "coordinates": coordinates, **members}).encode()


def square(west: float = WEST, south: float = SOUTH, edge: float = EDGE) -> list[list[float]]:
    """A closed ring."""
    east, north = west + edge, south + edge
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def scribble(vertices: int, seed: int = 1) -> list[list[float]]:
    """A closed ring of random positions: nearly every edge crosses nearly every other."""
    rng = random.Random(seed)
    ring = [[WEST + rng.random() * EDGE, SOUTH + rng.random() * EDGE] for _ in range(vertices - 1)]
    return [*ring, ring[0]]


def circle(vertices: int, radius: float = EDGE / 3) -> list[list[float]]:
    """A closed, valid ring."""
    centre = EDGE / 2
    ring = [
        [
            WEST + centre + radius * math.cos(2 * math.pi * n / (vertices - 1)),
            SOUTH + centre + radius * math.sin(2 * math.pi * n / (vertices - 1)),
        ]
        for n in range(vertices - 1)
    ]
    return [*ring, ring[0]]


def comb(teeth: int) -> list[list[float]]:
    """A closed ring whose teeth all touch one line: an intersection at each of them."""
    step = EDGE / teeth
    points = [[WEST, SOUTH + EDGE]]
    for n in range(teeth):
        points += [[WEST + (n + 0.5) * step, SOUTH], [WEST + (n + 1) * step, SOUTH + EDGE]]
    return [*points, [WEST + EDGE, SOUTH], [WEST, SOUTH], points[0]]


def holes(count: int) -> list[list[list[float]]]:
    """A square with this many tiny holes."""
    side = math.ceil(math.sqrt(count))
    cell = EDGE / (side + 1)
    tiny = [
        square(WEST + cell * (n % side + 0.5), SOUTH + cell * (n // side + 0.5), cell / 3)
        for n in range(count)
    ]
    return [square(), *tiny]


def nested(levels: int, inside: object) -> object:
    """A value inside so many lists."""
    for _ in range(levels):
        inside = [inside]
    return inside


def collections(levels: int) -> bytes:
    """Geometry collections within each other."""
    head, tail = b'{"type":"GeometryCollection","geometries":[', b"]}"
    return head * levels + text_of("Point", [WEST, SOUTH]) + tail * levels


def raw(position: bytes) -> bytes:
    """A point whose position is this text."""
    return b'{"type":"Point","coordinates":' + position + b"}"


PROBES: dict[str, bytes | Callable[[], bytes]] = {
    # F1: what ST_MakeValid was given when the cluster crashed, and its larger kin.
    **{
        f"scribble_{n}": (lambda n=n: text_of("Polygon", [scribble(n)]))
        for n in (500, 1000, 2000, 6000, 20_000)
    },
    **{f"comb_{n}": (lambda n=n: text_of("Polygon", [comb(n)])) for n in (100, 5_000)},
    "two_scribbles": lambda: text_of("MultiPolygon", [[scribble(5000, 1)], [scribble(5000, 2)]]),
    "scribbled_holes": lambda: text_of("Polygon", [square(), *(scribble(100, n) for n in range(40))]),
    # F2: what no statement timeout ends.
    "line_of_200_000": lambda: text_of("LineString", circle(200_000)),
    "line_of_20_001": lambda: text_of("LineString", circle(20_001)),
    "hundred_thousand_vertices": lambda: text_of("Polygon", [circle(100_000)]),
    "ring_of_20_001": lambda: text_of("Polygon", [circle(20_001)]),
    "ten_thousand_holes": lambda: text_of("Polygon", holes(10_000)),
    "fifty_holes": lambda: text_of("Polygon", holes(50)),
    "many_polygons": lambda: text_of("MultiPolygon", [[square(edge=1e-6)]] * 5_000),
    "one_vertex_very_often": lambda: text_of("Polygon", [[[WEST, SOUTH]] * 100_000]),
    "one_vertex_twice_over": lambda: text_of("Polygon", [[[WEST, SOUTH]] * 400]),
    "tiny_steps": lambda: text_of("Polygon", [circle(500, radius=1e-17)]),
    # Nesting.
    "coordinates_1000_deep": lambda: text_of("Polygon", nested(900, [WEST, SOUTH])),
    "coordinates_100_000_deep": b'{"type":"Polygon","coordinates":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "collections_3": lambda: collections(3),
    "collections_5_000": lambda: collections(5_000),
    "objects_deep": b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    "member_deep": lambda: text_of("Point", [WEST, SOUTH], bbox=nested(50, 1)),
    # Numbers.
    **{
        f"number_{name}": raw(b"[" + text + b",39.03]")
        for name, text in {
            "nan": b"NaN", "infinity": b"Infinity", "1e400": b"1e400", "1e308": b"1e308",
            "5000_digits": b"1" * 5000, "denormal": b"117.6e-320",
            "text": b'"a"', "true": b"true", "null": b"null", "list": b"[117.6]",
        }.items()
    },
    # Kinds.
    "curve": text_of("CurvePolygon", [square()]),
    "surface": text_of("PolyhedralSurface", [[square()]]),
    "well_known_text": b"SRID=4490;CURVEPOLYGON(COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,0 0)))",
    "well_known_binary": bytes.fromhex("0103000020E6100000FFFFFFFF"),
    "reference_system": text_of("Point", [WEST, SOUTH], crs={"type": "link", "properties": {"href": "http://x"}}),
}  # fmt: skip

WRONG: dict[str, tuple[str, bytes]] = {
    "bow_tie": ("not_valid", text_of("Polygon", [[
        [WEST, SOUTH], [WEST + EDGE, SOUTH + EDGE], [WEST + EDGE, SOUTH], [WEST, SOUTH + EDGE], [WEST, SOUTH],
    ]])),
    "spike": ("not_valid", text_of("Polygon", [[
        [WEST, SOUTH], [WEST + EDGE, SOUTH], [WEST + EDGE, SOUTH + EDGE], [WEST + EDGE, SOUTH], [WEST, SOUTH],
    ]])),
    "hole_outside": ("not_valid", text_of("Polygon", [square(edge=0.001), square(WEST + 0.005, edge=0.001)])),
    "hole_in_hole": ("not_valid", text_of("Polygon", [
        square(), square(WEST + 0.002, SOUTH + 0.002, 0.01), square(WEST + 0.004, SOUTH + 0.004, 0.002),
    ])),
    "overlapping_parts": ("not_valid", text_of("MultiPolygon", [[square()], [square(WEST + 0.001)]])),
    "one_ring_twice": ("not_valid", text_of("Polygon", [square(), square()])),
    "open_ring": ("ring_not_closed", text_of("Polygon", [square()[:-1]])),
    "short_ring": ("too_few_vertices", text_of("Polygon", [[*square()[:2], square()[0]]])),
    "no_ring": ("too_few_vertices", text_of("Polygon", [])),
    "empty_ring": ("too_few_vertices", text_of("Polygon", [[]])),
    "empty_part": ("too_few_vertices", text_of("MultiPolygon", [[square()], []])),
    "null": ("too_few_vertices", text_of("Polygon", None)),
    "height": ("not_a_position", text_of("Polygon", [[[*p, 3.0] for p in square()]])),
    "bare_numbers": ("not_a_position", text_of("Polygon", [[WEST, SOUTH, WEST, SOUTH]])),
    "numbers_as_text": ("not_a_position", text_of("Polygon", [[[str(a), str(b)] for a, b in square()]])),
    "axes_exchanged": ("axes_swapped", text_of("Polygon", [[[b, a] for a, b in square()]])),
    "metres": ("metric_coordinates", text_of("Polygon", [square(555_000.0, 4_320_000.0, 100.0)])),
    "other_city": ("outside_frame", text_of("Polygon", [square(116.4, 39.9)])),
    "null_island": ("outside_frame", text_of("Polygon", [square(0.0, 0.0)])),
    "antimeridian": ("antimeridian", text_of("Polygon", [[
        [117.63, 39.02], [-179.9, 39.02], [-179.9, 39.03], [117.63, 39.02],
    ]])),
    "line": ("wrong_type", text_of("LineString", square())),
    "feature": ("wrong_type", b'{"type":"Feature","properties":{},"geometry":null}'),
    "list": ("not_a_geometry", b"[]"),
    "number_for_a_type": ("not_a_geometry", b'{"type":7,"coordinates":[]}'),
    "reference_system": ("crs", text_of("Polygon", [square()], crs={"type": "name"})),
    "other_member": ("unknown_member", text_of("Polygon", [square()], note="x")),
    "no_json": ("not_json", b"POLYGON((0 0,1 1,1 0,0 0))"),
}  # fmt: skip


def probe(name: str) -> bytes:
    """The text of a probe; large ones are made when they are wanted."""
    made = PROBES[name]
    return made if isinstance(made, bytes) else made()
