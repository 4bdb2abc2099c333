"""A copy tells whose it is, from half of its rows, one of its columns, in any order."""

import csv
import io
import random
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from gridmgmt.domain import watermark

RECIPIENTS = [bytes([n]) * 32 for n in range(20)]
ROWS = 60
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)


def cases(seed: int = 1) -> list[tuple[datetime, float, float]]:
    chance = random.Random(seed)
    return [
        (
            BEGAN + timedelta(seconds=chance.randrange(30 * 86_400), microseconds=chance.randrange(10**6)),
            117.6 + chance.random() / 20,
            39.0 + chance.random() / 20,
        )
        for _ in range(ROWS)
    ]


def copy_for(key: bytes) -> list[tuple[str, str, str]]:
    return [
        (
            watermark.marked_time(key, at),
            f"{watermark.marked_degree(key, x)}",
            f"{watermark.marked_degree(key, y)}",
        )
        for at, x, y in cases()
    ]


def as_text(rows: list[tuple[str, ...]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def found_in(text: str) -> list[int]:
    values = watermark.values_in(text)
    return [n for n, key in enumerate(RECIPIENTS) if watermark.weigh(key, *values).certain]


@pytest.mark.parametrize("whose", range(20))
def test_each_of_twenty_copies_is_traced_after_half_its_rows_are_gone(whose: int) -> None:
    rows = copy_for(RECIPIENTS[whose])
    assert [whose] == found_in(as_text(rows))
    half = random.Random(whose).sample(rows, len(rows) // 2)
    assert [whose] == found_in(as_text(half))
    assert [whose] == found_in(as_text([(row[0],) for row in half]))
    assert [whose] == found_in(as_text([row[1:] for row in half]))


def test_a_file_made_of_two_copies_names_both() -> None:
    assert [3, 7] == found_in(as_text(copy_for(RECIPIENTS[3])[:20] + copy_for(RECIPIENTS[7])[30:]))


def test_a_few_rows_are_enough() -> None:
    assert [5] == found_in(as_text(copy_for(RECIPIENTS[5])[:2]))


def test_half_the_values_changed_do_not_hide_whose_it_is() -> None:
    rows = [row if n % 2 else ("2026-10-01T00:00:00.000Z", "117.60000000", "39.00000000")
            for n, row in enumerate(copy_for(RECIPIENTS[9]))]  # fmt: skip
    assert [9] == found_in(as_text(rows))


def test_what_bears_no_mark_names_nobody() -> None:
    plain = [(at.isoformat(timespec="milliseconds"), f"{x:.8f}", f"{y:.8f}") for at, x, y in cases(2)]
    assert [] == found_in(as_text(plain))
    assert [] == found_in("")
    assert [] == found_in("2026-99-99T00:00:00.000Z 1.5 x")


def test_marks_are_lost_when_what_is_below_them_is_cut_off() -> None:
    rows = copy_for(RECIPIENTS[0])
    assert [] == found_in(as_text([(r[0][:19], r[1][:-2], r[2][:-2]) for r in rows]))


def test_a_mark_moves_a_time_less_than_a_second_and_a_degree_less_than_a_millionth() -> None:
    for at, x, _ in cases():
        marked = datetime.fromisoformat(watermark.marked_time(RECIPIENTS[1], at))
        assert at.replace(microsecond=0) == marked.replace(microsecond=0)
        assert abs(watermark.marked_degree(RECIPIENTS[1], x) - Decimal(repr(x))) < Decimal("0.000001")


def test_the_zone_of_a_time_does_not_change_its_mark() -> None:
    at = BEGAN.astimezone(timezone(timedelta(hours=8)))
    assert watermark.marked_time(RECIPIENTS[1], at) == watermark.marked_time(RECIPIENTS[1], BEGAN)


def test_degrees_that_lost_their_last_noughts_still_tell() -> None:
    rows = [(str(float(x)), str(float(y))) for _, x, y in copy_for(RECIPIENTS[2])]
    assert [2] == found_in(as_text(rows))
