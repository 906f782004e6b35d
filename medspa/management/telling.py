"""How a long command says how far it is: on one line of a terminal, and not at all in a log."""

import sys
import time
from typing import TextIO


class Progress:
    """Call it with words as often as you like; it shows them some times a second, where somebody is watching."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self.out, self.told_at, self.width = out, 0.0, 0

    def __call__(self, words: str) -> None:
        if self.out.isatty() and time.monotonic() - self.told_at > 0.2:
            self.told_at = time.monotonic()
            self.out.write(f"\r{words:<{self.width}}")
            self.out.flush()
            self.width = len(words)

    def end(self) -> None:
        if self.width:
            self.out.write(f"\r{'':<{self.width}}\r")
