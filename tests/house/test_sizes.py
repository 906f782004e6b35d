"""How long modules, functions and templates are, against the table in docs/house.md."""

import ast
import re
from collections.abc import Iterator
from statistics import median, quantiles

import pytest

from tests.house.blueprint import PROJECT, file_of, modules


def lines_of_modules() -> dict[str, int]:
    return {module: len(file_of(module).read_text().splitlines()) for module in modules()}


def lines_of_functions() -> dict[str, int]:
    return {
        f"{module}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def lines_of_templates() -> dict[str, int]:
    files = [file for file in (PROJECT / "templates").rglob("*") if file.is_file()]
    return {str(file.relative_to(PROJECT)): len(file.read_text().splitlines()) for file in files}


MEASURES = {"module": lines_of_modules, "function": lines_of_functions, "template": lines_of_templates}


def ceilings() -> Iterator[tuple[str, list[int | None]]]:
    text = (PROJECT / "docs/house.md").read_text()
    for kind, *limits in re.findall(r"^\| (module|function|template) \| *(\d*) *\| *(\d*) *\| *(\d*) *\|$", text, re.M):
        yield kind, [int(limit) if limit else None for limit in limits]


def test_the_table_is_there():
    assert {kind for kind, _limits in ceilings()} == set(MEASURES)


@pytest.mark.parametrize(("kind", "limits"), list(ceilings()))
def test_nothing_outgrows_its_ceiling(kind, limits):
    sizes = MEASURES[kind]()
    longest = sorted(sizes.items(), key=lambda pair: -pair[1])[:5]
    found = [median(sizes.values()), quantiles(sizes.values(), n=10)[-1], longest[0][1]]
    table = "\n".join(
        [f"{len(sizes)} {kind}s: median {found[0]:g}, 90 in 100 {found[1]:g}, longest {found[2]}; allowed {limits}"]
        + [f"  {lines:4} {name}" for name, lines in longest]
    )
    print(table)  # noqa: T201  (pytest -s shows it)
    assert all(limit is None or size <= limit for size, limit in zip(found, limits, strict=True)), table
