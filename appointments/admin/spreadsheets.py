"""Files for spreadsheets, in which nothing is taken for a formula."""

BOM = "\ufeff"  # by which spreadsheets know UTF-8


def harmless(words: str) -> str:
    """What a spreadsheet would take for a formula, as words."""
    return f"'{words}" if words.startswith(("=", "+", "-", "@", "\t", "\r")) else words
