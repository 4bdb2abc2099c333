"""Geometry from outside is taken as it is and valid, or refused with reason and place; never repaired."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridmgmt.adapters.bounded import Bounds, read_cells
from gridmgmt.errors import InvalidGeometry, Unavailable
from gridmgmt.geo.gate import LIMITS, Frame, Kind, frame_of, parse_cells, parse_geometry, require_shape
from tests.builders_attack import (
    EDGE,
    PROBES,
    SOUTH,
    WEST,
    WRONG,
    circle,
    comb,
    holes,
    probe,
    scribble,
    square,
    text_of,
)

FRAME = Frame(WEST - 0.02, SOUTH - 0.02, WEST + EDGE + 0.02, SOUTH + EDGE + 0.02)


def refusal(content: bytes, kind: Kind = Kind.BOUNDARY) -> dict:
    with pytest.raises(InvalidGeometry) as refused:
        parse_geometry(content, kind, FRAME)
    json.dumps(dict(refused.value.facts), allow_nan=False)
    return dict(refused.value.facts)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_with_its_reason(name: str) -> None:
    hint, content = WRONG[name]
    assert refusal(content)["hint"] == hint


def test_there_are_forty_probes() -> None:
    assert len(PROBES) >= 40


@pytest.mark.parametrize("name", PROBES)
def test_no_probe_passes_the_gate_of_any_kind(name: str) -> None:
    content = probe(name)
    for kind in Kind:
        if name == "fifty_holes" and kind is Kind.TRACK:
            continue
        refusal(content, kind)


def test_an_invalid_border_is_refused_with_the_place_of_the_fault() -> None:
    facts = refusal(WRONG["bow_tie"][1])
    assert facts["reason"] == "Self-intersection"
    assert (round(facts["lon"], 6), round(facts["lat"], 6)) == (WEST + EDGE / 2, SOUTH + EDGE / 2)


def test_what_is_taken_is_taken_as_it_was_drawn() -> None:
    shape = parse_geometry(
        text_of("Polygon", [square(), square(WEST + 0.005, SOUTH + 0.005, 0.002)]), Kind.AREA, FRAME
    )
    assert shapely.get_coordinates(shape).tolist() == [*square(), *square(WEST + 0.005, SOUTH + 0.005, 0.002)]
    assert parse_geometry(text_of("Point", [WEST, SOUTH]), Kind.POINT, FRAME) == shapely.Point(WEST, SOUTH)
    line = text_of("LineString", [[WEST, SOUTH], [WEST + EDGE, SOUTH]])
    assert parse_geometry(line, Kind.TRACK, FRAME).length == pytest.approx(EDGE)
    parts = text_of(
        "MultiPolygon", [[square(edge=0.005)], [square(WEST + 0.01, edge=0.005)]], bbox=[0, 0, 1, 1]
    )
    assert shapely.get_num_geometries(parse_geometry(parts, Kind.BOUNDARY, FRAME)) == 2


@pytest.mark.parametrize("kind", [Kind.AREA, Kind.BOUNDARY])
def test_the_limit_of_vertices_is_exact(kind: Kind) -> None:
    most = LIMITS[kind].vertices
    assert parse_geometry(text_of("Polygon", [circle(most)]), kind, FRAME).is_valid
    facts = refusal(text_of("Polygon", [circle(most + 1)]), kind)
    assert (facts["hint"], facts["limit"], facts["vertices"]) == ("too_many_vertices", most, most + 1)


def test_the_limit_of_rings_is_exact() -> None:
    most = LIMITS[Kind.BOUNDARY].rings
    assert parse_geometry(text_of("Polygon", holes(most - 1)), Kind.BOUNDARY, FRAME).is_valid
    assert refusal(text_of("Polygon", holes(most)))["hint"] == "too_many_rings"


@pytest.mark.parametrize("kind", Kind)
def test_the_limit_of_bytes_comes_before_everything(kind: Kind) -> None:
    assert refusal(b" " * (LIMITS[kind].bytes + 1), kind)["hint"] == "too_many_bytes"
    assert refusal(b" " * LIMITS[kind].bytes, kind)["hint"] == "not_json"


def test_the_gate_never_repairs(monkeypatch) -> None:
    def repaired(*_args, **_more):
        raise AssertionError("somebody repaired it")

    for name in ("make_valid", "buffer", "node", "polygonize", "union_all", "unary_union"):
        monkeypatch.setattr(shapely, name, repaired)
    refusal(text_of("Polygon", [scribble(500)]))
    refusal(text_of("Polygon", [comb(100)]))


SHAPES = {
    "axes_swapped": shapely.Polygon([[b, a] for a, b in square()]),
    "outside_frame": shapely.Polygon(square(116.4, 39.9)),
    "not_valid": shapely.Polygon(scribble(100)),
    "too_many_vertices": shapely.Polygon(circle(20_001)),
    "too_many_rings": shapely.Polygon(square(), holes(50)[1:]),
    "wrong_type": shapely.LineString(square()),
    "too_few_vertices": shapely.Polygon(),
    "not_finite": shapely.transform(shapely.Polygon(square()), lambda xy: np.where(xy == xy[2], np.nan, xy)),
    "not_a_position": shapely.Polygon([[*p, 1.0] for p in square()]),
}


@pytest.mark.parametrize("hint", SHAPES)
def test_a_shape_that_exists_already_meets_the_same_limits(hint: str) -> None:
    with pytest.raises(InvalidGeometry) as refused:
        require_shape(SHAPES[hint], Kind.BOUNDARY, FRAME)
    assert refused.value.facts["hint"] == hint
    require_shape(shapely.Polygon(square()), Kind.BOUNDARY, FRAME)


def test_a_frame_reaches_a_little_beyond_its_outline_and_never_beyond_china() -> None:
    frame = frame_of(shapely.box(117.0, 39.0, 117.1, 39.1))
    assert frame.holds(116.985, 38.985)
    assert not frame.holds(116.97, 39.05)
    assert frame_of(shapely.box(-180, -90, 180, 90)) == Frame(73.0, 3.0, 136.0, 54.0)


def collection(*polygons: list, **members: object) -> bytes:
    features = [
        {"type": "Feature", "properties": {"code": str(n)}, "geometry": {"type": "Polygon", "coordinates": p}}
        for n, p in enumerate(polygons)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **members}).encode()


def test_a_file_of_cells_says_which_one_is_wrong() -> None:
    cells = parse_cells(collection([square()], [square(WEST + 0.005)]), FRAME)
    assert [p["code"] for p, _ in cells] == ["0", "1"]
    with pytest.raises(InvalidGeometry) as refused:
        parse_cells(collection([square()], [scribble(50)]), FRAME)
    assert (refused.value.facts["feature"], refused.value.facts["hint"]) == (1, "not_valid")


FILES = {
    "not_a_collection": b'{"type": "Feature"}',
    "too_many_features": collection(*[[square()]] * 5_001),
    "crs": collection([square()], crs={}),
    "too_deep": b'{"type":"FeatureCollection","features":' + b"[" * 12 + b"]" * 12 + b"}",
    "not_json": b"\x1f\x8b\x08",
    "not_a_geometry": b'{"type":"FeatureCollection","features":[null]}',
}


@pytest.mark.parametrize("hint", FILES)
def test_a_file_that_is_none_of_cells_is_refused(hint: str) -> None:
    with pytest.raises(InvalidGeometry) as refused:
        parse_cells(FILES[hint], FRAME)
    assert refused.value.facts["hint"] == hint


def test_a_file_is_checked_in_a_process_that_may_be_ended() -> None:
    content = collection([square()], [square(WEST + 0.005)])
    assert read_cells(content, FRAME) == parse_cells(content, FRAME)
    with pytest.raises(InvalidGeometry) as refused:
        read_cells(collection([scribble(50)]), FRAME)
    assert (refused.value.facts["feature"], refused.value.facts["hint"]) == (0, "not_valid")


@pytest.mark.parametrize("bounds", [Bounds(memory_bytes=2**25), Bounds(cpu_s=0)], ids=["memory", "time"])
def test_a_check_that_costs_too_much_is_ended_and_refused(bounds: Bounds) -> None:
    with pytest.raises(InvalidGeometry) as refused:
        read_cells(collection([circle(20_000)]), FRAME, bounds)
    assert refused.value.facts["hint"] == "too_costly"


def test_a_check_that_a_stop_ended_before_it_began_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"
    stopped.write_text("#!/bin/sh\nkill -TERM $$\n")
    stopped.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stopped))
    with pytest.raises(Unavailable):
        read_cells(collection([square()]), FRAME)
