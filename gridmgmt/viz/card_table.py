"""The card of one plan, or of several side by side, as a table of pandas."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from gridmgmt.viz.plan_card import ROWS


def card_table(cards: Sequence[Mapping[str, Any]], *, chinese: bool = False) -> pd.DataFrame:
    """Return the figures of cards, a column a plan; what is not known of a plan is missing.

    Parameters
    ----------
    cards : facts of :meth:`gridmgmt.planning.card.PlanCard.as_facts`, or of a report card alone, which has
        no ``name``.
    chinese : names of the rows in Chinese.

    Returns
    -------
    Rows by (group, figure) as on the page of the card; values as plain numbers: shares from 0 to 1, metres.
    """
    rows: dict[tuple[str, str], list[float | None]] = {}
    for group, figures in ROWS:
        for key, in_chinese, in_english, _written, _better in figures:
            values = [_value(card, key) for card in cards]
            if any(value is not None for value in values):
                rows[group, in_chinese if chinese else in_english] = values
    names = [str(card.get("name", f"plan {number}")) for number, card in enumerate(cards, 1)]
    index = pd.MultiIndex.from_tuples(list(rows), names=["group", "figure"])
    return pd.DataFrame(list(rows.values()), index=index, columns=names, dtype="float64")


def _value(card: Mapping[str, Any], key: str) -> float | None:
    found: Any = card
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None else float(found)
