"""Words for a place that holds only so many: a page's title and description, as search results show them."""

from html import unescape

from django import template

register = template.Library()

MORE_TO_COME = "…"


def cut(words: str, most: int) -> str:
    """`words` in `most` characters or fewer, ending after a whole word unless that would leave less than half."""
    words = " ".join(words.split())
    if len(words) <= most:
        return words
    whole, _space, _rest = words[:most].rpartition(" ")
    kept = whole if len(whole) >= most // 2 else words[: most - 1]
    return kept.rstrip(" ,;:.|(") + MORE_TO_COME


@register.simple_block_tag
def within(content: str, most: int) -> str:
    """What stands inside, cut before it is escaped, so that no sign is counted as five or cut in two."""
    return cut(unescape(content), most)
