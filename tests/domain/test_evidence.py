"""A stored photo stays stored until it is gone, and is stored again when it comes again."""

import itertools

from gridmgmt.domain.evidence import PhotoState, may_follow


def test_only_damage_takes_a_stored_photo_away() -> None:
    assert {PhotoState.STORED, PhotoState.MISSING} == {
        s for s in PhotoState if may_follow(PhotoState.STORED, s)
    }


def test_what_is_missing_is_missing_until_it_is_stored_again() -> None:
    assert {PhotoState.STORED} == {s for s in PhotoState if may_follow(PhotoState.MISSING, s)}


def test_only_a_stored_photo_can_be_missed() -> None:
    assert {PhotoState.STORED} == {s for s in PhotoState if may_follow(s, PhotoState.MISSING)}
    assert not may_follow(None, PhotoState.MISSING)


def test_from_everywhere_else_a_photo_may_be_sent_anew() -> None:
    others = [s for s in PhotoState if s not in {PhotoState.STORED, PhotoState.MISSING}]
    assert all(may_follow(a, b) for a, b in itertools.product([None, *others], [*others, PhotoState.STORED]))
    assert [PhotoState.STORED] == [s for s in PhotoState if s.is_here]
