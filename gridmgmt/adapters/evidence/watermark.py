"""The strip below a derivative: what the server knows of the photo, burned into the pixels.

Below the picture and not on it, so that nothing of the evidence is covered. Labels are Chinese where the
font of ``data/fonts`` could be read, else English in Pillow's own font, so a strip is always drawn.
Values are ASCII by construction (times, codes, numbers, digests); anything else becomes ``?``.
"""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# By the name that the server uses; the wording is here, where the font is.
LABELS = {
    "received": ("接收", "RECEIVED"),
    "clock": ("服务器时钟", "SERVER CLOCK"),
    "observed": ("据报时间", "OBSERVED AS TOLD"),
    "phone": ("手机时钟", "PHONE CLOCK"),
    "place": ("地点", "PLACE"),
    "case": ("案件", "CASE"),
    "cell": ("网格", "CELL"),
    "reporter": ("上报", "REPORTER"),
    "digest": ("指纹", "SHA-256"),
}
_INK, _GROUND = (255, 255, 255), (24, 26, 30)
_SMALLEST_PX, _LARGEST_PX = 9, 30
_NARROWEST_PX = 300
_MOST_LINES, _MOST_CHARACTERS = 6, 80


class Marker:
    """Draws strips with one font.

    Parameters
    ----------
    font : bytes of an OpenType font with the labels' Chinese characters; None or unreadable: English.
    """

    def __init__(self, font: bytes | None) -> None:
        self._font = font if font and _loads(font) else None
        self.language = 0 if self._font else 1

    def mark(self, picture: Image.Image, lines: Sequence[Sequence[tuple[str, str]]]) -> Image.Image:
        """The picture with its strip below; RGB.

        Parameters
        ----------
        lines : each a row of (label, value); an empty value leaves the bare label.
        """
        # A tiny picture gets a wider frame, or nobody could read its strip.
        strip = self.strip(max(picture.width, _NARROWEST_PX), lines)
        whole = Image.new("RGB", (strip.width, picture.height + strip.height), _GROUND)
        whole.paste(picture, (0, 0))
        whole.paste(strip, (0, picture.height))
        return whole

    def strip(self, width: int, lines: Sequence[Sequence[tuple[str, str]]]) -> Image.Image:
        """The strip alone, as wide as asked; the letters are as large as the longest line allows."""
        texts = [self._text(line) for line in lines[:_MOST_LINES]]
        size, gap = self._size(width, texts), 0.5
        height = max(1, round(len(texts) * size * (1 + gap) + size * gap))
        strip = Image.new("RGB", (width, height), _GROUND)
        draw, font = ImageDraw.Draw(strip), self._at(size)
        for number, text in enumerate(texts):
            draw.text((size * gap, size * gap + number * size * (1 + gap)), text, fill=_INK, font=font)
        return strip

    def _text(self, line: Sequence[tuple[str, str]]) -> str:
        words = []
        for label, value in line:
            plain = "".join(c if " " <= c <= "~" else "?" for c in value)
            words.append(f"{LABELS[label][self.language]} {plain}".rstrip())
        return "  ".join(words)[:_MOST_CHARACTERS]

    def _size(self, width: int, texts: Sequence[str]) -> int:
        longest = max((self._at(100).getlength(text) for text in texts), default=0)
        fitting = int(96 * width / longest) if longest else _LARGEST_PX
        return max(_SMALLEST_PX, min(_LARGEST_PX, fitting, max(_SMALLEST_PX, width // 40)))

    def _at(self, size: int) -> Font:
        if self._font:
            return ImageFont.truetype(io.BytesIO(self._font), size)
        return ImageFont.load_default(size)


def _loads(font: bytes) -> bool:
    try:
        ImageFont.truetype(io.BytesIO(font), 12)
    except (OSError, ValueError):
        return False
    return True
