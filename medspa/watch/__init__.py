"""How the site is: numbers for programs that watch it, sentences for its owner. Nothing is about any one patient."""

from medspa.watch.measures import Measures, measure
from medspa.watch.prometheus import CONTENT_TYPE, as_prometheus

__all__ = ["CONTENT_TYPE", "Measures", "as_prometheus", "measure"]
