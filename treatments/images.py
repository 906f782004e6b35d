"""What a photo is turned into before it is kept: upright JPEG and AVIF files in a few widths, without metadata.

The upload itself is never stored. What cannot be such a photo is refused in plain words before anything is written.
"""

from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File

from medspa.late import Late

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Image, ImageCms, ImageOps = Late("PIL.Image"), Late("PIL.ImageCms"), Late("PIL.ImageOps")

WIDTHS = (480, 960, 1440)  # pixels; a phone at one, two and three pixels a point
TALLEST = 2160  # pixels; a strip of any length still fits a page
JPEG = {"quality": 80, "optimize": True, "progressive": True}
AVIF = {"quality": 60, "speed": 8}  # 8: as small as the slower ones within a few per cent, in a tenth of the time
ENDINGS_KEPT = (".jpg", ".avif")
FORMATS = ["JPEG", "PNG", "WEBP"]
ENDINGS_TAKEN = {".jpg", ".jpeg", ".jfif", ".png", ".webp"}
MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000  # 200 MB once unpacked; a file of a few kB may claim far more
NOT_A_PHOTO = "This file cannot be read as a photo. Choose a JPEG, PNG or WebP photo."


class PreparedPhoto(ContentFile):
    """The widest JPEG under a name of its own, with the contents of its other files by name."""

    def __init__(self, encoded: dict[str, bytes]) -> None:
        (name, widest), *others = encoded.items()
        super().__init__(widest, name=name)
        self.others = dict(others)


def names(name: str, width: int) -> list[str]:
    """Every file of the photo that is stored as `name`, which is `width` pixels wide; its own name first."""
    return [file_name(name, width, each, ending) for each in reversed(widths(width)) for ending in ENDINGS_KEPT]


def file_name(name: str, width: int, narrower: int, ending: str) -> str:
    """`photos/1f.jpg` at 480 pixels as AVIF is `photos/1f-480.avif`; at its whole width it is `photos/1f.avif`."""
    stem = name.removesuffix(".jpg")
    return f"{stem}{ending}" if narrower == width else f"{stem}-{narrower}{ending}"


def widths(width: int) -> list[int]:
    """The widths in which a photo is kept, narrowest first. None is wider than the photo."""
    return sorted({min(width, each) for each in WIDTHS})


def readable_photo(upload: File) -> None:
    """Refuses in plain words what `prepare` cannot take. A photo that is stored already is not read again."""
    if not getattr(upload, "_committed", False):
        prepare(upload)


def prepare(upload: File) -> PreparedPhoto:
    """All files of the photo, in memory. Raises ValidationError in plain words. Twice is as good as once."""
    for prepared in (upload, upload.file):  # a row's field wraps it
        if isinstance(prepared, PreparedPhoto):
            return prepared
    if upload.size > MOST_BYTES:
        raise ValidationError("The photo must be 20 MB or smaller. Save it smaller, then choose it again.")
    if PurePosixPath(upload.name or "").suffix.lower() not in ENDINGS_TAKEN:
        raise ValidationError(NOT_A_PHOTO)
    try:
        return PreparedPhoto(_encoded(_upright(upload), f"{uuid4().hex}.jpg"))
    except ValidationError:
        raise
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        raise ValidationError(NOT_A_PHOTO) from error
    finally:
        upload.seek(0)


def _upright(upload: File) -> "Picture":
    """The picture as it is meant to be seen: upright, in sRGB, white where it was see-through, none too large."""
    upload.seek(0)
    with Image.open(upload, formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:  # known before anything is unpacked
            raise ValidationError("The photo must have 50 million pixels or fewer. Save it smaller, then try again.")
        if picture.format != "MPO" and getattr(picture, "is_animated", False):  # MPO: a phone's photo and its preview
            raise ValidationError("This picture moves. Choose a photo that stands still.")
        picture.draft(None, (2 * TALLEST, 2 * TALLEST))  # a JPEG is unpacked no larger than needed
        profile = picture.info.get("icc_profile")
        upright = _true_colours(ImageOps.exif_transpose(picture), profile)
    upright.thumbnail((WIDTHS[-1], TALLEST))
    clean = Image.new("RGB", upright.size, "white")
    clean.paste(upright, mask=upright)
    return clean


def _true_colours(picture: "Picture", profile: bytes | None) -> "Picture":
    if picture.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at 255
        picture = picture.convert("I").point(lambda value: value / 257).convert("L")
    see_through = picture.convert("RGBA")
    if not profile:
        return see_through
    if picture.mode not in ("RGB", "CMYK", "L"):
        picture = see_through.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), picture.mode, "RGB")
    except (ImageCms.PyCMSError, OSError):  # a profile that is broken, or for other colours than the picture has
        return see_through
    seen = transform.apply(picture)
    seen.putalpha(see_through.getchannel("A"))
    return seen


def _encoded(picture: "Picture", name: str) -> dict[str, bytes]:
    encoded = {}
    for width in reversed(widths(picture.width)):
        height = max(1, round(picture.height * width / picture.width))
        smaller = picture.resize((width, height), Image.Resampling.LANCZOS)
        for ending, kind, options in ((".jpg", "JPEG", JPEG), (".avif", "AVIF", AVIF)):
            file = BytesIO()
            smaller.save(file, kind, **options)
            encoded[file_name(name, picture.width, width, ending)] = file.getvalue()
    return encoded
