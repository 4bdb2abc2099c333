"""Likely duplicates: each part can only lower the score; the threshold is the data's."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.demo.duplicate_pairs import make_pairs
from gridmgmt.domain.duplicates import LONGEST, REACH_M, SUGGESTED_FROM, Likeness, score, suggest, text_share
from gridmgmt.domain.pattern import CategoryKey, CategoryKind

KEY = CategoryKey.parse("GB/T 47678.5-2026:matter:06010")
SIBLING, STRANGER = KEY._replace(code="06011"), KEY._replace(code="09006")
DAY = timedelta(days=1)

texts = st.text(alphabet="垃圾桶满溢井盖破损3号楼门口 ", max_size=12)
likenesses = st.builds(
    Likeness,
    st.just(KEY),
    st.sampled_from([KEY, SIBLING, STRANGER]),
    st.floats(0, 200),
    st.timedeltas(timedelta(0), 30 * DAY),
    texts,
    texts,
    st.booleans(),
)


def alike(**over: object) -> Likeness:
    facts = {"category": KEY, "other_category": KEY, "distance_m": 0.0, "apart": timedelta(0)}
    return Likeness(**facts | over)


@given(likenesses, st.floats(0, 200), st.timedeltas(timedelta(0), 30 * DAY))
@settings(deadline=None)
def test_further_away_or_longer_ago_never_scores_higher(one: Likeness, m: float, apart: timedelta) -> None:
    farther = score(replace(one, distance_m=one.distance_m + m)).value
    later = score(replace(one, apart=one.apart + apart)).value
    assert max(farther, later) <= score(one).value


@given(likenesses)
@settings(deadline=None)
def test_a_score_lies_between_0_and_1_and_does_not_ask_who_was_first(one: Likeness) -> None:
    turned = replace(
        one, category=one.other_category, other_category=one.category,
        text=one.other_text, other_text=one.text,
    )  # fmt: skip
    assert 0.0 <= score(one).value <= 1.0
    assert score(one) == score(turned)


def test_the_same_thing_in_the_same_words_is_certain() -> None:
    assert 1.0 == score(alike(text="垃圾桶满溢", other_text="垃圾桶满溢")).value


def test_beyond_reach_after_two_weeks_or_of_another_class_nothing_is_suggested() -> None:
    for over in ({"distance_m": REACH_M}, {"apart": LONGEST}, {"other_category": STRANGER}):
        assert 0.0 == score(alike(**over)).value
    assert 0.0 == score(alike(other_category=KEY._replace(standard_ref="LOCAL-TJ"))).value


def test_a_component_and_its_matter_are_one_class_and_a_sibling_is_less() -> None:
    part = score(alike(other_category=KEY._replace(kind=CategoryKind.PART)))
    assert score(alike()) == part
    assert 0.0 < score(alike(other_category=SIBLING)).value < part.value


def test_the_same_component_is_the_same_place_however_far_the_phones_say() -> None:
    assert score(alike()).value == score(alike(distance_m=500.0, same_component=True)).value


def test_other_words_lower_the_score_below_no_words_and_like_words_raise_it() -> None:
    silent = score(alike(text="", other_text="垃圾桶满溢"))
    other = score(alike(text="流动摊贩占道", other_text="垃圾桶满溢"))
    like = score(alike(text="垃圾桶满了", other_text="垃圾桶满溢"))
    assert other.value < silent.value < like.value
    assert (None, 0.0) == (silent.text_share, other.text_share)


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("井盖破损", "井盖破损", 1.0),
        ("井盖破损", "井盖缺失", 0.2),
        ("3号楼", "5号楼", 1 / 3),
        ("3号楼", "3 号楼", 1.0),
        ("A座", "a座 ", 1.0),
        ("", "井盖", None),
        ("坏", "井盖", None),
        ("！？", "井盖", None),
    ],
)
def test_texts_are_compared_by_bigrams_numbers_and_words(one: str, other: str, share: float | None) -> None:
    assert text_share(one, other) == (share if share is None else pytest.approx(share))


def test_suggestions_come_best_first_and_equals_in_order_of_id() -> None:
    given_m = {1: 25.0, 3: 5.0, 2: 5.0, 4: 55.0}
    candidates = [(UUID(int=n), alike(distance_m=m)) for n, m in given_m.items()]
    assert [2, 3, 1] == [one.case_id.int for one in suggest(candidates)]
    assert [2] == [one.case_id.int for one in suggest(candidates, most=1)]
    assert [] == suggest([])


def test_pairs_are_made_the_same_for_the_same_seed() -> None:
    assert make_pairs(5, 60) == make_pairs(5, 60) != make_pairs(6, 60)


def test_the_threshold_beats_the_rule_of_30_m_and_7_days_on_pairs_it_was_not_chosen_on() -> None:
    pairs = make_pairs(99)
    suggested = [p.duplicate for p in pairs if score(p.likeness).value >= SUGGESTED_FROM]
    ruled = [
        p.duplicate
        for p in pairs
        if p.likeness.category == p.likeness.other_category
        and p.likeness.distance_m <= 30.0
        and p.likeness.apart <= 7 * DAY
    ]
    in_all = sum(p.duplicate for p in pairs)

    def f1(chosen: list[bool]) -> float:
        return 2 * sum(chosen) / (len(chosen) + in_all)

    assert f1(suggested) > f1(ruled) + 0.03
