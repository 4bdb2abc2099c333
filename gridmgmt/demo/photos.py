"""Synthetic evidence photos: a drawn picture that says so, different each time."""

import hashlib
import io
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw


@dataclass(frozen=True, slots=True)
class DrawnPhoto:
    """JPEG bytes and their digest."""

    content: bytes
    sha256: str


def draw_photo(rng: random.Random, caption: str) -> DrawnPhoto:
    """A small JPEG with a street-like picture and the words SYNTHETIC DEMO PHOTO on it.

    Parameters
    ----------
    caption : Latin letters and digits, such as a class code.
    """
    width, height = 640, 480
    image = Image.new("RGB", (width, height), (176 + rng.randrange(40), 200, 220))
    draw = ImageDraw.Draw(image)
    ground = 300 + rng.randrange(40)
    x = -rng.randrange(60)
    while x < width:
        w, h = 60 + rng.randrange(80), 90 + rng.randrange(180)
        shade = 120 + rng.randrange(90)
        draw.rectangle((x, ground - h, x + w, ground), fill=(shade, shade - 8, shade - 20))
        for wy in range(ground - h + 12, ground - 12, 24):
            for wx in range(x + 8, x + w - 12, 20):
                draw.rectangle((wx, wy, wx + 9, wy + 12), fill=(225, 226, 190 + rng.randrange(50)))
        x += w + rng.randrange(12)
    draw.rectangle((0, ground, width, height), fill=(92, 94, 98))
    draw.line((0, ground + 70, width, ground + 70), fill=(235, 235, 235), width=5)
    for _ in range(9):
        cx, cy, r = rng.randrange(width), ground + 30 + rng.randrange(110), 6 + rng.randrange(16)
        draw.ellipse((cx - r, cy - r // 2, cx + r, cy + r // 2), fill=(110 + rng.randrange(90), 90, 40))
    draw.rectangle((0, height - 34, width, height), fill=(20, 20, 24))
    draw.text((12, height - 26), f"SYNTHETIC DEMO PHOTO  {caption}", fill=(255, 220, 90), font_size=18)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=72)
    content = buffer.getvalue()
    return DrawnPhoto(content, hashlib.sha256(content).hexdigest())
