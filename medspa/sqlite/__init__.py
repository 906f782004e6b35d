"""Django's SQLite, but that whoever wants to write stands in line: see `base`."""
