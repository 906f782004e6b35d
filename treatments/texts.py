"""Staff-written text: CommonMark, rendered once on saving. Raw HTML and script links come out inert."""

from functools import cache
from typing import Any

from django.db import models
from django.utils.safestring import SafeString, mark_safe

from medspa.late import Late

markdown_it = Late("markdown_it")


@cache
def _markdown() -> Any:
    """Without pictures, which would come from other hosts."""
    return markdown_it.MarkdownIt("commonmark", {"html": False}).disable("image")


def render(text: str) -> SafeString:
    """`text` as safe HTML: raw HTML is escaped and `javascript:` links are left as text."""
    return mark_safe(_markdown().render(text))  # noqa: S308  (html=False escapes all markup)


class MarkdownField(models.TextField):
    """Text in Markdown that keeps its rendered form in the field beside it, `<name>_html`."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = getattr(model_instance, self.attname)
        setattr(model_instance, f"{self.attname}_html", render(text) if text else "")
        return text


class RenderedField(models.TextField):
    """Where a MarkdownField keeps its HTML. Declared after it; read as safe text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"blank": True, "default": "", "editable": False, **options})

    def from_db_value(self, value: str, expression: object, connection: object) -> SafeString:
        return mark_safe(value)  # noqa: S308  (only `render` writes here)
