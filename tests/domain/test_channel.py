"""Messages say nothing personal; deliveries that fail come back later and later, and are given up once."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.channel import MOST_TRIES, Channel, is_over, message, pause_after
from gridmgmt.domain.events import EventKind

uuids = st.uuids()


@given(st.sampled_from(EventKind), st.sampled_from([None, 80, 100, 150, 120]))
def test_a_message_holds_the_number_and_our_own_words_alone(kind, percent):
    facts = {"number": "P-1", "reason": "张三家", "cell_code": "C", "unit_code": "U", "note": "139"}
    made = message(UUID(int=1), UUID(int=2), kind, facts, percent)
    assert "P-1" in made.text
    assert not any(word in made.text for word in ("张三", "139", "C", "U"))
    assert len(made.text) <= 70, "one SMS"


@pytest.mark.parametrize(
    ("percent", "words"), [(80, "时限已用80%"), (100, "已到期限"), (150, "已超期过半"), (None, "逐级督促。")]
)
def test_a_rung_says_how_far_the_limit_is_used(percent, words):
    assert words in message(UUID(int=1), UUID(int=2), "case_escalated", {"number": "P-1"}, percent).text


@given(uuids, st.sampled_from(Channel), st.integers(1, 400))
def test_a_pause_grows_is_bounded_and_is_the_same_each_time(delivery, channel, tries):
    pause = pause_after(delivery, channel, tries)
    assert pause == pause_after(delivery, channel, tries)
    longest = min(3600, 10 * 2 ** min(tries - 1, 12))
    assert timedelta(seconds=longest / 2) <= pause <= timedelta(seconds=longest)


def test_many_that_failed_together_do_not_come_back_together():
    pauses = {pause_after(UUID(int=n), Channel.SMS, 3) for n in range(100)}
    assert len(pauses) == 100


def test_a_delivery_is_given_up_after_so_many_tries():
    assert [is_over(n) for n in (MOST_TRIES - 1, MOST_TRIES)] == [False, True]
