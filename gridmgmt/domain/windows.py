"""Times for what stands beside the states: named as rows of ``stage_limits.csv``, like those of the desks.

The names are stored; which time each has is the catalogue's, with its source. A window that the
catalogue does not know never closes.
"""

from enum import StrEnum


class Window(StrEnum):
    """What runs besides the clocks of the desks."""

    SIGN_FOR = "sign_for"
    """签收: the unit signs for a case."""
    SEND_BACK = "send_back"
    """退单: until when after the dispatch a unit may ask to send a case back."""
    REOPEN = "reopen"
    """重开: until when after closing a case is reopened; after it a new one follows it."""
    CALL_SIGN_IN = "call_sign_in"
    """吹哨签收: a called unit signs in."""
    CALL_ARRIVE = "call_arrive"
    """吹哨到场: a called unit arrives, counted from the call."""
    SUPERVISION_REPLY = "supervision_reply"
    """督办回复: the reply to a supervision order."""
