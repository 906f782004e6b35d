"""How a long command says how far it is."""

import io

from medspa.management.telling import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_is_told_on_one_line_that_is_empty_again_at_the_end():
    progress = Progress(terminal := Terminal())
    progress("database: 10 %")
    progress("so soon after that it is not told")
    progress.end()
    assert terminal.getvalue() == "\rdatabase: 10 %\r" + " " * 14 + "\r"


def test_a_log_is_told_nothing():
    progress = Progress(log := io.StringIO())
    progress("database: 10 %")
    progress.end()
    assert log.getvalue() == ""
