"""Pinyin of Chinese texts, by pypinyin.

Its dictionaries take most of a second and 57 MB, so texts are spelt when a table is taken in, by a command
line, and never by the processes that serve.
"""

import re

_NO_SYLLABLE = re.compile(r"[^a-z0-9]+")


def pinyin_of(text: str) -> str:
    """Lower-case syllables with blanks between them, ``v`` for ``ü``; words decide how a character is read.

    Examples
    --------
    >>> pinyin_of("行道树")
    'xing dao shu'
    """
    # Imported where it is used: the dictionaries are large, and most processes never spell.
    from pypinyin import lazy_pinyin  # noqa: PLC0415

    # What is not Chinese is spelt letter by letter.
    parts = lazy_pinyin(text, errors=lambda rest: " ".join(rest.lower()))
    return " ".join(_NO_SYLLABLE.sub(" ", " ".join(parts)).split())
