"""The code and the map of the house, read as text: which rooms there are, and who imports whom."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FLOORS = ("medspa", "treatments", "appointments")
EVERYTHING, NOTHING = "everything", "nothing"


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the site by its dotted name, parsed; without migrations and empty `__init__` files."""
    found = {}
    for floor in FLOORS:
        for file in sorted((PROJECT / floor).rglob("*.py")):
            name = ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
            if "migrations" not in file.parts and file.read_text().strip():
                found[name] = ast.parse(file.read_text(), str(file))
    return found


def file_of(module: str) -> Path:
    file = PROJECT.joinpath(*module.split("."))
    return file / "__init__.py" if file.is_dir() else file.with_suffix(".py")


def room_of(name: str) -> str:
    """`appointments.workflow.moves` is in the room `appointments.workflow`."""
    return ".".join(name.split(".")[:2])


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported; `from a import b` names `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def used_doors() -> dict[str, dict[str, str]]:
    """room -> the other rooms of ours that it imports -> where."""
    doors: dict[str, dict[str, str]] = defaultdict(dict)
    for module, tree in modules().items():
        doors.setdefault(room_of(module), {})
        for line, name in imports(tree):
            room = room_of(name)
            if name.split(".")[0] in FLOORS and room != room_of(module):
                doors[room_of(module)][room] = f"{module}:{line}"
    return doors


def planned_doors() -> dict[str, set[str]]:
    """The table in docs/house.md: room -> the rooms it may import."""
    rows = re.findall(r"^\| `([a-z_.]+)` \|[^|]*\|([^|]*)\|$", (PROJECT / "docs/house.md").read_text(), re.MULTILINE)
    return {room: set(re.findall(r"[a-z_.]+", doors)) for room, doors in rows}
