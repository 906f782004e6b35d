"""Which sizes and formats a photo gets. Re-encoded on saving; what the camera wrote into the file is not kept."""

from io import BytesIO
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from PIL import Image, ImageOps

LONGEST_SIDE = 1440  # pixels; twice what a phone shows
JPEG_QUALITY = 82
FORMATS = ["JPEG", "PNG", "WEBP"]
MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000  # 200 MB once unpacked; a file of a few kB may claim far more

Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # wherever else a picture is opened, Pillow refuses twice as many


def readable_photo(upload: File) -> None:
    """Refuses in plain words what `prepare` cannot take. A photo that is stored already is not read again."""
    if getattr(upload, "_committed", False):
        return
    if upload.size > MOST_BYTES:
        raise ValidationError("The photo must be 20 MB or smaller. Save it smaller, then choose it again.")
    try:
        prepare(upload)
    except ValidationError:
        raise
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        raise ValidationError("This file cannot be read as a photo. Choose a JPEG, PNG or WebP photo.") from error
    finally:
        upload.seek(0)


def prepare(upload: File) -> ContentFile:
    """The upload as an upright JPEG of at most 1440 pixels a side, without metadata, under a name of its own."""
    upload.seek(0)
    with Image.open(upload, formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:  # known before anything is unpacked
            raise ValidationError("The photo must have 50 million pixels or fewer. Save it smaller, then try again.")
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clean = Image.new("RGB", upright.size, "white")
    clean.paste(upright, mask=upright)
    encoded = BytesIO()
    clean.save(encoded, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return ContentFile(encoded.getvalue(), name=f"{uuid4().hex}.jpg")
