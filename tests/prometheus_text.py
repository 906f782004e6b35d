"""Prometheus' text format 0.0.4, read as strictly as its own programs read it. What is not of the format raises."""

import math
import re
from typing import NamedTuple

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|Inf|NaN))")
UNITS = ("_seconds", "_bytes", "_total", "_up", "_waiting", "_overdue", "_due", "_stuck", "_failed", "_aside")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Family(NamedTuple):
    kind: str
    help: str
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> dict[str, Family]:
    assert text.endswith("\n"), "the last line has no end"
    families, named = {}, None
    lines = text.splitlines()
    while lines:
        line = lines.pop(0)
        if line.startswith("# HELP "):
            _hash, _help, name, about = line.split(" ", 3)
            _hash, kind_word, of, kind = lines.pop(0).split(" ")
            assert (kind_word, of) == ("TYPE", name), "HELP and TYPE stand together, before the samples"
            assert re.fullmatch(NAME, name)
            assert name not in families, f"{name} comes twice"
            assert name.endswith(UNITS), f"{name} says no unit"
            assert (kind == "counter") == name.endswith("_total"), "a counter is a total, and nothing else is"
            families[name], named = Family(kind, about, {}), name
            continue
        found = SAMPLE.fullmatch(line)
        assert found, f"not of the format: {line!r}"
        assert named, "a sample of nothing"
        suffix = found[1].removeprefix(named)
        assert found[1].startswith(named)
        assert suffix in SUFFIXES[families[named].kind], f"{found[1]} stands among those of {named}"
        labels = frozenset(_label(one) for one in re.findall(LABEL, found[2] or ""))
        assert (suffix, labels) not in families[named].samples, f"{line!r} comes twice"
        families[named].samples[suffix, labels] = float(found[3])
    for name, family in families.items():
        assert family.samples, f"{name} has no sample"
        if family.kind == "histogram":
            check_histogram(family)
        if family.kind != "gauge":
            assert all(value >= 0 for value in family.samples.values())
    return families


def _label(written: str) -> tuple[str, str]:
    name, _equals, value = written.partition("=")
    return name, re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), value[1:-1])


def check_histogram(family: Family) -> None:
    groups: dict[frozenset, dict[float, float]] = {}
    for (suffix, labels), value in family.samples.items():
        if suffix == "_bucket":
            bound = float(dict(labels)["le"])
            groups.setdefault(frozenset(pair for pair in labels if pair[0] != "le"), {})[bound] = value
    for labels, buckets in groups.items():
        numbers = [buckets[bound] for bound in sorted(buckets)]
        assert math.inf in buckets, "the last bucket holds everything"
        assert numbers == sorted(numbers), "buckets are cumulative"
        assert family.samples["_count", labels] == buckets[math.inf]
        assert ("_sum", labels) in family.samples
