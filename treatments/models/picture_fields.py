"""A field for a photo: its files are written with the row, and go when no row names them any more.

A row that goes in a cascade is never told so; Django's `post_delete` is the only word of it.
"""

from functools import partial
from typing import Any

from django import forms
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.db import models, transaction
from django.db.models.fields.files import ImageFieldFile

from treatments import images


class PhotoFormField(forms.FileField):
    """Takes a photo and hands on its prepared files. Whatever else was chosen gets a plain sentence."""

    def to_python(self, data: Any) -> Any:
        upload = super().to_python(data)
        return upload and images.prepare(upload)

    def widget_attrs(self, widget: forms.Widget) -> dict:
        """With these kinds named a telephone hands over a JPEG, whatever its camera writes."""
        return {**super().widget_attrs(widget), "accept": "image/jpeg,image/png,image/webp"}


class PhotoFile(ImageFieldFile):
    """The widest JPEG of a photo. Its other files lie beside it."""

    field: "PhotoField"

    def save(self, name: str, content: File, save: bool = True) -> None:
        photo = images.prepare(content)
        try:
            super().save(photo.name or "", photo, save=False)
            for other, encoded in photo.others.items():
                self.storage.save(self.field.generate_filename(self.instance, other), ContentFile(encoded))
        except BaseException:  # a full disk keeps no half of a photo
            for written in self.files:
                self.storage.delete(written)
            raise
        if save:
            self.instance.save()

    @property
    def pixels(self) -> int:
        """Its width, from the row and not from the disk."""
        return getattr(self.instance, self.field.width_field)

    @property
    def pixels_high(self) -> int:
        return getattr(self.instance, self.field.height_field)

    @property
    def files(self) -> list[str]:
        return images.names(self.name or "", self.pixels)

    @property
    def jpeg(self) -> str:
        return self._srcset(".jpg")

    @property
    def avif(self) -> str:
        return self._srcset(".avif")

    def _srcset(self, ending: str) -> str:
        address = (self.name or "", self.pixels)
        files = {width: images.file_name(*address, width, ending) for width in images.widths(self.pixels)}
        return ", ".join(f"{self.storage.url(file)} {width}w" for width, file in files.items())


class PhotoField(models.ImageField):
    attr_class = PhotoFile
    width_field: str
    height_field: str

    def contribute_to_class(self, cls, name, **options):
        super().contribute_to_class(cls, name, **options)
        if not cls._meta.abstract:
            models.signals.post_delete.connect(self._leave_with_row, sender=cls)

    def pre_save(self, model_instance: models.Model, add: bool) -> PhotoFile:
        is_new = not getattr(model_instance, self.attname)._committed
        former = type(model_instance)._base_manager.filter(pk=model_instance.pk).first() if is_new else None
        file = super().pre_save(model_instance, add)
        if former:
            self._leave_with_row(former)
        return file

    def formfield(self, **options):
        # Any length of name: it is not kept.
        return super().formfield(**{"form_class": PhotoFormField, **options, "max_length": None})

    def _leave_with_row(self, instance: models.Model, **_signal: Any) -> None:
        file = getattr(instance, self.attname)
        if file:
            remove_later(self, file.storage, file.name, file.files)


def remove_at_commit(*photos: PhotoFile) -> None:
    """Removes all files of these photos from disk once the change is committed, although a row still names them."""
    for photo in photos:
        for file in photo.files:
            transaction.on_commit(partial(photo.storage.delete, file), robust=True)


def remove_later(field: models.FileField, storage: Storage, name: str, files: list[str]) -> None:
    """Removes the files from disk once the change is committed, unless a row still names them then."""
    transaction.on_commit(partial(_remove_unnamed, field, storage, name, files), robust=True)


def _remove_unnamed(field: models.FileField, storage: Storage, name: str, files: list[str]) -> None:
    if not field.model._base_manager.filter(**{field.attname: name}).exists():
        for file in files:
            storage.delete(file)
