"""Draw how well likely duplicates are found, and write the figures into the page about it.

``python docs/duplicates.py`` makes ``docs/images/duplicates.svg`` and the tables between the marks of
``docs/explanation/duplicates.md`` anew; without a change of the score or the data it changes nothing.

Two sets of pairs. The synthetic one (:mod:`gridmgmt.demo.duplicate_pairs`) knows every duplicate, so it has
precision and recall; weights were chosen on seed 1 and are judged on seed 2. Boston's has the pairs that a
clerk named when he closed a request as a duplicate; most duplicates are not named, so its precision says
nothing, and what is drawn is how many of the named are found for how many pairs that are suggested.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import pandas as pd

from gridmgmt.demo.duplicate_pairs import Pair, make_pairs
from gridmgmt.domain.duplicates import SUGGESTED_FROM, Likeness, score
from gridmgmt.domain.pattern import CategoryKey

CHECKOUT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = CHECKOUT / "docs/explanation/duplicates.md"
PICTURE: Final = CHECKOUT / "docs/images/duplicates.svg"
NAMED: Final = CHECKOUT / "data/reference/boston311/duplicate_pairs_2015.parquet"
CHOSEN_ON, JUDGED_ON = 1, 2
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
RULES: Final = ((3.0, 7), (30.0, 7), (50.0, 7))
_KEY: Final = CategoryKey.parse("GB/T 47678.5-2026:matter:06010")
_SIBLING, _OTHER = _KEY._replace(code="06011"), _KEY._replace(code="09006")

Scored = Sequence[tuple[float, bool]]
Curve = list[tuple[float, float, float]]


def curve(scored: Scored, duplicates: int) -> Curve:
    """(threshold, recall, precision) at each score, the highest first."""
    points: Curve = []
    ordered = sorted(scored, key=lambda one: -one[0])
    found = 0
    for number, (value, duplicate) in enumerate(ordered, start=1):
        found += duplicate
        if value > 0 and (number == len(ordered) or ordered[number][0] < value):
            points.append((value, found / duplicates, found / number))
    return points


def best_f1(points: Curve) -> tuple[float, float, float]:
    """The point of a curve with the highest F1."""
    return max(points, key=lambda p: f1(p[1], p[2]))


def f1(recall: float, precision: float) -> float:
    """The harmonic mean of both."""
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def at(scored: Scored, duplicates: int, threshold: float) -> tuple[float, float]:
    """(recall, precision) at a threshold."""
    chosen = [duplicate for value, duplicate in scored if value >= threshold]
    return sum(chosen) / duplicates, sum(chosen) / max(1, len(chosen))


def ruled(pairs: Iterable[Pair], metres: float, days: int) -> tuple[float, float]:
    """(recall, precision) of a rule of constants: one class, so near, so recent."""
    given = list(pairs)
    chosen = [
        p.duplicate
        for p in given
        if p.likeness.category == p.likeness.other_category
        and p.likeness.distance_m <= metres
        and p.likeness.apart <= timedelta(days=days)
    ]
    return sum(chosen) / sum(p.duplicate for p in given), sum(chosen) / max(1, len(chosen))


def without_text(given: Likeness) -> Likeness:
    """The same pair as if nobody had written a word."""
    return Likeness(given.category, given.other_category, given.distance_m, given.apart)


def scored(pairs: Iterable[Pair], seen: Callable[[Likeness], Likeness] = lambda given: given) -> Scored:
    """Each pair's score and whether it is a duplicate."""
    return [(score(seen(p.likeness)).value, p.duplicate) for p in pairs]


def boston() -> list[Pair]:
    """Pairs of Boston's requests: same type as one class, same reason as one major class; no text."""
    frame = pd.read_parquet(NAMED)
    return [
        Pair(
            Likeness(
                _KEY,
                _KEY if row.same_type else _SIBLING if row.same_reason else _OTHER,
                float(row.distance_m),
                timedelta(hours=float(row.apart_h)),
            ),
            bool(row.duplicate),
        )
        for row in frame.itertuples()
    ]


def figures() -> tuple[str, str]:
    """The tables of the page and the picture."""
    chosen, judged, named = make_pairs(CHOSEN_ON), make_pairs(JUDGED_ON), boston()
    duplicates = sum(p.duplicate for p in judged)
    whole, silent = scored(judged), scored(judged, without_text)
    best = best_f1(curve(scored(chosen), sum(p.duplicate for p in chosen)))
    lines = [
        f"Synthetic pairs, seed {JUDGED_ON}: {len(judged):,} pairs within reach, {duplicates} of them duplicates.",
        "",
        "| Rule | Recall | Precision | F1 |",
        "|---|---:|---:|---:|",
        _row(f"score ≥ {SUGGESTED_FROM}", *at(whole, duplicates, SUGGESTED_FROM)),
        _row(f"the same without text, score ≥ {SUGGESTED_FROM}", *at(silent, duplicates, SUGGESTED_FROM)),
        *(_row(f"one class, {m:g} m, {d} days", *ruled(judged, m, d)) for m, d in RULES),
        "",
        (
            f"The best F1 on seed {CHOSEN_ON}, on which the threshold was chosen, lies at {best[0]:.2f}"
            f" ({f1(best[1], best[2]):.3f})."
        ),
        "",
        *_boston_lines(named),
    ]
    drawn = _svg(curve(whole, duplicates), curve(silent, duplicates),
                 [(f"{m:g} m, {d} d", *ruled(judged, m, d)) for m, d in RULES],
                 at(whole, duplicates, SUGGESTED_FROM), _found_for_looked(named))  # fmt: skip
    return "\n".join(lines), drawn


def _row(name: str, recall: float, precision: float) -> str:
    return f"| {name} | {recall:.3f} | {precision:.3f} | {f1(recall, precision):.3f} |"


def _boston_lines(named: Sequence[Pair]) -> list[str]:
    total = sum(p.duplicate for p in named)
    recall, share = at(scored(named), total, SUGGESTED_FROM)
    base = total / len(named)
    return [
        (
            f"Boston 2015: {len(named):,} pairs of one reason within 100 m and 14 days while the earlier was open, and"
            f" {total:,} that a clerk named."
        ),
        "",
        "| Rule | Named pairs found | Times likelier than a pair by chance |",
        "|---|---:|---:|",
        f"| score ≥ {SUGGESTED_FROM}, no text | {recall:.3f} | {share / base:.1f} |",
        *(
            f"| one type, {m:g} m, {d} days | {r:.3f} | {p / base:.1f} |"
            for m, d in RULES
            for r, p in [ruled(named, m, d)]
        ),
    ]


def _found_for_looked(named: Sequence[Pair]) -> list[tuple[float, float]]:
    """(share of all pairs that are suggested, share of the named that are found)."""
    total = sum(p.duplicate for p in named)
    return [
        (recall * total / precision / len(named), recall)
        for _, recall, precision in curve(scored(named), total)
    ]


_W, _H, _LEFT, _TOP, _SIDE = 880, 430, 60, 40, 340
_RIGHT = 490


def _svg(
    whole: Curve,
    silent: Curve,
    rules: Sequence[tuple[str, float, float]],
    chosen: tuple[float, float],
    looked: Sequence[tuple[float, float]],
) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_W} {_H}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_W}" height="{_H}" fill="#fff"/>',
        *_frame(_LEFT, "Synthetic pairs: precision by recall", "recall", "precision"),
        *_frame(_RIGHT, "Boston 2015: named duplicates found", "share of pairs suggested", "share found"),
        _line(_LEFT, [(r, p) for _, r, p in whole], "#1f5fa8"),
        _line(_LEFT, [(r, p) for _, r, p in silent], "#9a9a9a"),
        _line(_RIGHT, looked, "#1f5fa8"),
        *(_dot(_LEFT, r, p, name, "#b3541e") for name, r, p in rules),
        _dot(_LEFT, *chosen, f"score ≥ {SUGGESTED_FROM}", "#1f5fa8"),
        f'<text x="{_LEFT + 12}" y="{_TOP + _SIDE - 28}" fill="#1f5fa8">score</text>',
        f'<text x="{_LEFT + 12}" y="{_TOP + _SIDE - 12}" fill="#777">score without text</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _frame(left: int, title: str, across: str, up: str) -> list[str]:
    ticks = [
        f'<text x="{left + _SIDE * i / 5:.0f}" y="{_TOP + _SIDE + 16}" text-anchor="middle">{i / 5:g}</text>'
        f'<text x="{left - 6}" y="{_TOP + _SIDE * (1 - i / 5) + 4:.0f}" text-anchor="end">{i / 5:g}</text>'
        for i in range(6)
    ]
    return [
        f'<rect x="{left}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#444"/>',
        f'<text x="{left}" y="{_TOP - 12}" font-weight="bold">{title}</text>',
        f'<text x="{left + _SIDE / 2}" y="{_TOP + _SIDE + 34}" text-anchor="middle">{across}</text>',
        f'<text transform="translate({left - 38} {_TOP + _SIDE / 2}) rotate(-90)" text-anchor="middle">{up}</text>',
        *ticks,
    ]


def _place(left: int, x: float, y: float) -> tuple[float, float]:
    return round(left + _SIDE * x, 1), round(_TOP + _SIDE * (1 - y), 1)


def _line(left: int, points: Sequence[tuple[float, float]], colour: str) -> str:
    step = max(1, len(points) // 160)
    drawn = " ".join("{},{}".format(*_place(left, *p)) for p in [*points[::step], *points[-1:]])
    return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _dot(left: int, x: float, y: float, name: str, colour: str) -> str:
    px, py = _place(left, x, y)
    return (
        f'<circle cx="{px}" cy="{py}" r="4" fill="{colour}"/>'
        f'<text x="{px + 7}" y="{py - 5}" fill="{colour}">{name}</text>'
    )


def page_with(tables: str, page: str) -> str:
    """The page with these tables between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Write both."""
    tables, drawn = figures()
    PICTURE.write_text(drawn, encoding="utf-8")
    PAGE.write_text(page_with(tables, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(tables + "\n")


if __name__ == "__main__":
    main()
