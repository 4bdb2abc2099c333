"""Named points on the way of a photo, so that a test may stop the process exactly there.

Nothing happens at them otherwise. ``POINTS`` is the list that the kill test goes through.
"""

from collections.abc import Callable

POINTS = (
    "spool_opened",
    "piece_spooled",
    "spooled",
    "examined",
    "sealed",
    "part_written",
    "part_synced",
    "linked",
    "directory_synced",
    "original_stored",
    "derivatives_stored",
    "rows_written",
    "committed",
)

_at: dict[str, Callable[[str], None]] = {}


def reached(point: str) -> None:
    """Say that a point was reached."""
    if _at:
        _at["hook"](point)


def watch(hook: Callable[[str], None] | None) -> None:
    """Call ``hook`` at every point; None ends it."""
    _at.clear()
    if hook is not None:
        _at["hook"] = hook
