"""How the site is: numbers for programs that watch it, sentences for its owner. Nothing is about any one patient."""

from medspa.watch.measures import Measures, measure
from medspa.watch.prometheus import CONTENT_TYPE, as_prometheus
from medspa.watch.running import Finding, how_it_runs
from medspa.watch.set_up import how_it_is_set_up, what_it_is

__all__ = [
    "CONTENT_TYPE",
    "Finding",
    "Measures",
    "as_prometheus",
    "how_it_is_set_up",
    "how_it_runs",
    "measure",
    "what_it_is",
]
