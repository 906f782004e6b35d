"""Words that promise too much for a treatment. They are pointed out to the editor, never refused."""

import re
from collections.abc import Iterable

CLAIMS = re.compile(
    r"\b(cur(?:e|es|ed|ing)|guarante\w+|pain[- ]?(?:less|free)\w*|permanent\w*|miracle\w*|risk[- ]free|100 ?%"
    r"|cura(?:r|n|rá|rán)?|garant\w+|indolor\w*|sin (?:dolor|riesgos?)|milagr\w+|para siempre)(?!\w)",  # in Spanish
    re.IGNORECASE,
)


def claim_words(texts: Iterable[str]) -> list[str]:
    """Each such word in the texts once, in lower case, in the order in which they are read."""
    found = (word.lower() for text in texts for word in CLAIMS.findall(text))
    return list(dict.fromkeys(found))
