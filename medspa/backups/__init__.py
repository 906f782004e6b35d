"""Copies of everything that the clinic owns: made while the site runs, brought back whole or not at all.

Here is only the rule by which a backup counts as fresh. `making` and `restoring` are asked for by their names.
"""

from medspa.backups.freshness import MAX_AGE, Freshness, freshness

__all__ = ["MAX_AGE", "Freshness", "freshness"]
