import struct
import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from treatments import images
from treatments.images import LONGEST_SIDE, MOST_BYTES, prepare, readable_photo

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><title>x</title><script>alert(1)</script>"


def picture(kind="JPEG", mode="RGB", size=(60, 40), color="red", **options):
    file = BytesIO()
    Image.new(mode, size, color).save(file, kind, **options)
    return file.getvalue()


def upload(content, name="photo.jpg"):
    return SimpleUploadedFile(name, content)


def prepared(content):
    return Image.open(BytesIO(prepare(upload(content)).read()))


def png_that_claims(width, height):
    """A PNG of some hundred bytes whose header says that it is huge."""

    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_a_large_photo_becomes_a_jpeg_of_the_longest_side():
    photo = prepared(picture(size=(3000, 2000)))
    assert (photo.format, photo.size) == ("JPEG", (LONGEST_SIDE, 960))


def test_a_small_photo_is_not_blown_up():
    assert prepared(picture(size=(60, 40))).size == (60, 40)


def test_what_the_camera_wrote_is_not_kept():
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "A camera", {1: "N", 2: (32.0, 13.0, 0.0)}
    original = picture(exif=exif, comment=b"taken at home")
    assert b"A camera" in original
    kept = prepare(upload(original)).read()
    assert not Image.open(BytesIO(kept)).getexif()
    assert b"A camera" not in kept
    assert b"taken at home" not in kept


def test_a_photo_taken_sideways_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert prepared(picture(size=(60, 40), exif=exif)).size == (40, 60)


def test_what_is_see_through_becomes_white():
    assert prepared(picture("PNG", "RGBA", color=(0, 0, 0, 0))).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("kind", "mode", "color"),
    [
        ("JPEG", "CMYK", (0, 0, 0, 0)),
        ("JPEG", "L", 200),
        ("PNG", "P", 3),
        ("PNG", "1", 1),
        ("PNG", "LA", (200, 100)),
        ("WEBP", "RGBA", (200, 100, 0, 30)),
    ],
)
def test_photos_of_every_usual_kind_are_taken(kind, mode, color):
    content = picture(kind, mode, color=color)
    readable_photo(upload(content))
    assert prepared(content).mode == "RGB"


def test_each_photo_gets_a_name_of_its_own():
    names = {prepare(upload(picture(), "../../etc/passwd.jpg")).name for _index in range(2)}
    assert len(names) == 2
    assert all(len(name) == 36 and name.endswith(".jpg") for name in names)


def test_a_photo_can_still_be_read_after_it_was_looked_at():
    photo = upload(picture())
    readable_photo(photo)
    assert photo.read(2) == b"\xff\xd8"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a photo",
        SVG,
        HTML,
        picture("GIF"),
        picture("BMP"),
        picture(size=(400, 400))[:-200],
        picture("PNG", size=(400, 400))[:-60],
        b"\xff\xd8\xff\xe0" + HTML,
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        png_that_claims(10, 0),
    ],
    ids=[
        "empty",
        "text",
        "svg",
        "html",
        "gif",
        "bmp",
        "cut-jpeg",
        "cut-png",
        "html-as-jpeg",
        "pdf",
        "eps",
        "no-height",
    ],
)
def test_what_is_no_photo_is_refused_in_plain_words(content):
    with pytest.raises(ValidationError, match="Choose a JPEG, PNG or WebP photo"):
        readable_photo(upload(content))


@pytest.mark.parametrize("side", [7100, 9000, 13_000, 60_000])
def test_a_file_that_unpacks_to_far_too_much_is_refused_unpacked(side):
    with pytest.raises(ValidationError, match=r"50 million pixels|cannot be read"):
        readable_photo(upload(png_that_claims(side, side)))


def test_a_photo_that_is_too_heavy_is_refused_unread(monkeypatch):
    monkeypatch.setattr(images, "prepare", lambda photo: pytest.fail("It was read."))
    heavy = upload(picture())
    heavy.size = MOST_BYTES + 1
    with pytest.raises(ValidationError, match="20 MB or smaller"):
        readable_photo(heavy)
