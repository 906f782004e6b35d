"""The project. Django names sqlparse at the top of its files; a server that shows pages never needs it."""

from medspa.late import load_late

load_late("sqlparse")
