"""The picture that stands beside a treatment's link where it is shared: 1200 by 630, the drawing and the name.

It says nothing that changes elsewhere, so that it is made with the treatment and never on request.
"""

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

from django.conf import settings

from medspa.late import Late

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Image, ImageDraw, ImageFont = Late("PIL.Image"), Late("PIL.ImageDraw"), Late("PIL.ImageFont")

SIZE = (1200, 630)  # pixels; Open Graph's 1.91 to 1
TWICE = 2  # drawn at twice the size and brought down, so that the dots are round
BACKGROUND, INK, MIST, LINE = "#f5f9f7", "#12312d", "#e3edea", "#b9cfc9"
DOTS = {"a": "#1d5650", "b": "#a3215c"}
DRAWING, ACROSS = settings.BASE_DIR / "static" / "img" / "uneven-even.svg", 960  # units of the drawing
FONT, WEIGHT = settings.BASE_DIR / "static" / "fonts" / "ysabeau.woff2", 300
LEFT, TEXT_WIDTH, TEXT_HEIGHT = 72, 550, 510  # pixels; where the name may stand
PLACE, HEIGHT = (652, 55), 520  # pixels; where the drawing stands
SIZES = (110, 96, 84, 72, 60, 50, 42, 34)  # pixels; the largest in which the name fits
LINE_HEIGHT = 1.1  # of the size
EDITION = "1"  # raise it with any change to what is drawn: the file's name follows


def file_name(words: str) -> str:
    """The same for the same words, and another for any others: an address that may be kept for long."""
    return f"social/{sha256(f'{EDITION} {words}'.encode()).hexdigest()[:32]}.png"


def draw(words: str) -> bytes:
    """The picture as a PNG. Words that fit in no size are cut off with three dots, which the font has."""
    picture = _drawing().copy()
    font, lines = _fitting(" ".join(words.split()))
    line_height = font.size * LINE_HEIGHT
    place = (LEFT, (SIZE[1] - len(lines) * line_height) / 2)
    ImageDraw.Draw(picture).multiline_text(place, "\n".join(lines), INK, font, spacing=line_height - font.size)
    file = BytesIO()
    few = picture.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(file, "PNG")
    return file.getvalue()


@cache
def _drawing() -> "Picture":
    picture = Image.new("RGB", (SIZE[0] * TWICE, SIZE[1] * TWICE), BACKGROUND)
    canvas, unit = ImageDraw.Draw(picture), HEIGHT / ACROSS * TWICE
    left, top = PLACE[0] * TWICE, PLACE[1] * TWICE

    def circle(x: float, y: float, radius: float, fill: str | None = None, outline: str | None = None) -> None:
        x, y, radius = left + x * unit, top + y * unit, radius * unit
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill, outline)

    circle(ACROSS / 2, ACROSS / 2, 477, outline=LINE)
    circle(ACROSS / 2, ACROSS / 2, 462, fill=MIST)
    for kind, width, x, y in dots():
        circle(x, y, width / 2, fill=DOTS[kind])
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


def dots() -> tuple[tuple[str, float, float, float], ...]:
    """Every dot of the drawing: whose, how wide, where. Each is a line of no length in one of its paths."""
    paths = re.findall(r'<path class="(\w)" stroke-width="([\d.]+)" d="([^"]+)"', DRAWING.read_text())
    return tuple((kind, float(width), x, y) for kind, width, path in paths for x, y in _places(path))


def _places(path: str) -> Iterator[tuple[float, float]]:
    x = y = 0.0
    for command, across, down in re.findall(r"([Mm])(-?[\d.]+)[ ,]?(-?[\d.]+)h0", path):
        from_here = command == "m"
        x, y = x * from_here + float(across), y * from_here + float(down)
        yield x, y


def _fitting(words: str) -> tuple[Any, list[str]]:
    for size in SIZES:
        font = _font(size)
        lines, most = _lines(words, font), int(TEXT_HEIGHT / (size * LINE_HEIGHT))
        if len(lines) <= most and all(font.getlength(line) <= TEXT_WIDTH for line in lines):
            return font, lines
    return font, [_cut(line, font) for line in lines[:most]]


def _font(size: int) -> Any:
    font = ImageFont.truetype(str(FONT), size)
    font.set_variation_by_axes([WEIGHT])
    return font


def _lines(words: str, font: Any) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= TEXT_WIDTH or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _cut(line: str, font: Any) -> str:
    if font.getlength(line) <= TEXT_WIDTH:
        return line
    while line and font.getlength(f"{line}...") > TEXT_WIDTH:
        line = line[:-1]
    return f"{line}..."
