import struct
import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageCms

from treatments import images
from treatments.images import MOST_BYTES, TALLEST, WIDTHS, names, prepare, readable_photo, widths

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


def files_of(content):
    """Every file that is kept, by what follows its name."""
    photo = prepare(upload(content))
    files = {photo.name: photo.read(), **photo.others}
    return {name.removeprefix(photo.name.removesuffix(".jpg")): file for name, file in files.items()}


def sizes_of(content):
    return {
        ending: (Image.open(BytesIO(file)).format, Image.open(BytesIO(file)).size)
        for ending, file in files_of(content).items()
    }


def as_seen(pixels):
    """What JPEG changes is too little to be seen."""
    return tuple(round(value / 8) for value in pixels)


# What is kept


def test_a_large_photo_is_kept_in_three_widths_as_jpeg_and_avif():
    assert sizes_of(picture(size=(3000, 2000))) == {
        ".jpg": ("JPEG", (1440, 960)),
        ".avif": ("AVIF", (1440, 960)),
        "-960.jpg": ("JPEG", (960, 640)),
        "-960.avif": ("AVIF", (960, 640)),
        "-480.jpg": ("JPEG", (480, 320)),
        "-480.avif": ("AVIF", (480, 320)),
    }


def test_a_small_photo_is_not_blown_up():
    assert sizes_of(picture(size=(60, 40))) == {".jpg": ("JPEG", (60, 40)), ".avif": ("AVIF", (60, 40))}


@pytest.mark.parametrize(
    ("width", "kept"),
    [(1, [1]), (480, [480]), (481, [480, 481]), (1000, [480, 960, 1000]), (1440, [*WIDTHS]), (9000, [*WIDTHS])],
)
def test_no_width_is_wider_than_the_photo(width, kept):
    assert widths(width) == kept


def test_the_names_of_all_files_follow_from_the_rows_own():
    photo = prepare(upload(picture(size=(1000, 900))))
    assert {photo.name, *photo.others} == set(names(photo.name, 1000))
    assert names("photos/1f.jpg", 500) == ["photos/1f.jpg", "photos/1f.avif", "photos/1f-480.jpg", "photos/1f-480.avif"]


@pytest.mark.parametrize("size", [(6000, 1), (1, 6000), (4000, 300), (900, 5000)])
def test_a_strip_of_any_shape_is_kept(size):
    kept = sizes_of(picture(size=size))
    assert all(1 <= width <= WIDTHS[-1] and 1 <= height <= TALLEST for _kind, (width, height) in kept.values())


def test_preparing_twice_is_as_good_as_once():
    once = prepare(upload(picture()))
    assert prepare(once) is once


def test_what_the_camera_wrote_is_in_none_of_the_files():
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "A camera", {1: "N", 2: (32.0, 13.0, 0.0)}
    original = picture(size=(1500, 900), exif=exif, comment=b"taken at home", xmp=b"<x:xmpmeta>by Ana</x:xmpmeta>")
    assert all(word in original for word in (b"A camera", b"taken at home", b"by Ana"))
    kept = files_of(original)
    assert len(kept) == 6
    for file in kept.values():
        opened = Image.open(BytesIO(file))
        assert not opened.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(opened.info)
        assert not any(word in file for word in (b"A camera", b"taken at home", b"by Ana", b"ICC_PROFILE"))


# Colours


def srgb(*, red=b"rXYZ", blue=b"bXYZ"):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (profile.count(b"rXYZ"), profile.count(b"bXYZ")) == (1, 1)
    return profile.replace(b"rXYZ", b"----").replace(b"bXYZ", blue).replace(b"----", red)


def test_a_photo_in_colours_of_its_own_is_turned_into_srgb():
    as_it_is = prepared(picture(color="red", icc_profile=srgb()))
    other_way_round = prepared(picture(color="red", icc_profile=srgb(red=b"bXYZ", blue=b"rXYZ")))
    assert as_seen(as_it_is.getpixel((9, 9))) == as_seen((255, 0, 0))
    assert as_seen(other_way_round.getpixel((9, 9))) == as_seen((0, 0, 255))


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_a_profile_that_is_broken_or_for_other_colours_is_left_aside(mode):
    white = {"RGB": "white", "CMYK": (0, 0, 0, 0), "L": 255}[mode]
    for profile in (b"no profile", srgb()[:200], srgb()):
        assert prepared(picture(mode=mode, color=white, icc_profile=profile)).getpixel((5, 5)) == (255, 255, 255)


def test_a_see_through_photo_with_a_profile_stays_see_through_until_it_is_white():
    photo = prepared(picture("PNG", "RGBA", color=(0, 0, 0, 0), icc_profile=srgb()))
    assert photo.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(("deep", "seen"), [(0, 0), (0x8080, 128), (0xFFFF, 255)])
def test_sixteen_bits_of_grey_keep_their_brightness(deep, seen):
    file = BytesIO()
    Image.new("I;16", (60, 40), deep).save(file, "PNG")
    assert abs(prepared(file.getvalue()).getpixel((5, 5))[0] - seen) <= 1


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
    ending = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[kind]
    readable_photo(upload(content, f"photo.{ending}"))
    assert prepared(content).mode == "RGB"


def test_a_phones_photo_with_its_own_preview_is_taken():
    file = BytesIO()
    Image.new("RGB", (60, 40), "red").save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (6, 4))])
    assert prepared(file.getvalue()).size == (60, 40)


# What is refused


def test_each_photo_gets_a_name_of_its_own():
    given = {prepare(upload(picture(), "../../etc/passwd.jpg")).name for _index in range(2)}
    assert len(given) == 2
    assert all(len(name) == 36 and name.endswith(".jpg") for name in given)


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


@pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("WEBP", "webp")])
def test_a_picture_that_moves_is_refused(kind, ending):
    moving = picture(kind, save_all=True, append_images=[Image.new("RGB", (60, 40), "blue")])
    with pytest.raises(ValidationError, match="This picture moves"):
        readable_photo(upload(moving, f"photo.{ending}"))


@pytest.mark.parametrize("name", ["photo.html", "photo.svg", "photo.jpg.exe", "photo", "photo.gif", ".jpg"])
def test_a_photo_under_a_name_that_says_otherwise_is_refused(name):
    with pytest.raises(ValidationError, match="Choose a JPEG, PNG or WebP photo"):
        readable_photo(upload(picture(), name))


@pytest.mark.parametrize("side", [7100, 9000, 13_000, 60_000])
def test_a_file_that_unpacks_to_far_too_much_is_refused_unpacked(side):
    with pytest.raises(ValidationError, match=r"50 million pixels|cannot be read"):
        readable_photo(upload(png_that_claims(side, side)))


def test_a_photo_that_is_too_heavy_is_refused_unread(monkeypatch):
    monkeypatch.setattr(images.Image, "open", lambda *_any, **_options: pytest.fail("It was read."))
    heavy = upload(picture())
    heavy.size = MOST_BYTES + 1
    with pytest.raises(ValidationError, match="20 MB or smaller"):
        readable_photo(heavy)
