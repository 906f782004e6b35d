"""Who may import whom, as docs/house.md says, and the laws beside that table."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.house.blueprint import (
    EVERYTHING,
    FLOORS,
    NOTHING,
    PROJECT,
    file_of,
    imports,
    modules,
    planned_doors,
    room_of,
    used_doors,
)

HALLWAYS = {
    "views",
    "picture_files",
    "urls",
    "admin",
    "staff_site",
    "context_processors",
    "compression",
    "middleware",
    "page_cache",
    "management",
    "settings",
}
WORKFLOW_ALONE = {
    "scheduling": {"reserve", "move", "release"},
    "outbox": {"queue", "withdraw", "hold_back", "send_after_all", "send_again"},
}


def nodes(kind: type) -> Iterator[tuple[str, ast.AST]]:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield module, node


def test_the_table_is_there():
    assert len(planned_doors()) > 20


def test_every_import_has_its_door():
    planned = planned_doors()
    refused = [
        f"{where} imports {room}"
        for importer, doors in used_doors().items()
        for room, where in doors.items()
        if EVERYTHING not in planned.get(importer, set()) and room not in planned.get(importer, set())
    ]
    assert not refused, "docs/house.md has no such door"


def test_every_door_is_used():
    used = used_doors()
    unused = [
        f"{room} -> {door}"
        for room, doors in planned_doors().items()
        for door in doors - {EVERYTHING, NOTHING}
        if door not in used.get(room, {})
    ]
    assert not unused, "docs/house.md has doors that nobody uses"


def test_every_room_has_its_line():
    rooms = set(used_doors())
    assert rooms == set(planned_doors()), "the rooms of the code and of docs/house.md differ"


def test_no_two_rooms_need_each_other():
    doors = {room: set(others) for room, others in used_doors().items()}

    def visit(room: str, way: tuple[str, ...]) -> None:
        assert room not in way, f"a circle of imports: {' -> '.join([*way, room])}"
        for other in doors.get(room, ()):
            visit(other, (*way, room))

    for room in doors:
        visit(room, ())


def test_imports_stand_at_the_top_of_the_file():
    late = [
        f"{module}:{node.lineno}"
        for module, function in nodes((ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not (module.endswith(".apps") and function.name == "ready")
    ]
    assert not late


def named_late() -> Iterator[tuple[str, str]]:
    for module, node in nodes(ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "Late":
            yield f"{module}:{node.lineno}", ast.literal_eval(node.args[0])


def test_nothing_of_ours_is_named_late():
    assert len(list(named_late())) > 3
    assert not [place for place, name in named_late() if name.split(".")[0] in FLOORS]


def test_what_is_named_late_is_not_loaded_by_the_start(tmp_path):
    """A second import elsewhere, at the top of a file, would undo it."""
    names = sorted({name for _place, name in named_late()})
    words = f"import sys, medspa.wsgi; medspa.wsgi.warm_up(); print([name for name in {names} if name in sys.modules])"
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "medspa.settings"}
    environment.pop("DATABASE_URL", None)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", words], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]"), ran.stderr


def test_http_stays_in_the_hallways():
    seen = [
        f"{module}:{line} {name}"
        for module, tree in modules().items()
        if room_of(module).split(".")[-1] not in HALLWAYS
        for line, name in imports(tree)
        if name.startswith(("django.http", "django.shortcuts", "django.views"))
    ]
    seen += [
        f"{module}:{node.lineno} {node.name}(request)"
        for module, node in nodes(ast.FunctionDef)
        if room_of(module).split(".")[-1] not in HALLWAYS
        and any(argument.arg == "request" for argument in [*node.args.args, *node.args.kwonlyargs])
    ]
    assert not seen


DJANGOS_SIGNALS = (".post_migrate", ".user_logged_in")


def test_our_own_apps_send_each_other_no_signals():
    signals = [
        f"{module}:{line} {name}"
        for module, tree in modules().items()
        for line, name in imports(tree)
        if name.startswith("django.dispatch") or (".signals" in name and not name.endswith(DJANGOS_SIGNALS))
    ]
    assert not signals


@pytest.mark.parametrize(("room", "verbs"), list(WORKFLOW_ALONE.items()))
def test_only_the_workflow_takes_time_and_queues_mail(room, verbs):
    calls = [
        f"{module}:{node.lineno}"
        for module, node in nodes(ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id == room and node.attr in verbs
    ]
    names = [
        f"{module}:{line}"
        for module, tree in modules().items()
        for line, name in imports(tree)
        if name in {f"appointments.{room}.{verb}" for verb in verbs}
    ]
    assert [place for place in calls + names if not place.startswith("appointments.workflow")] == []
    assert calls + names, f"nobody calls {room} any more; is the law still about something?"


def test_time_has_a_zone():
    naive = [
        f"{module}:{node.lineno}"
        for module, node in nodes(ast.Call)
        if isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (
            (node.func.value.id in {"date", "datetime"} and node.func.attr in {"today", "utcnow"})
            or (node.func.value.id == "datetime" and node.func.attr == "now" and not node.args and not node.keywords)
        )
    ]
    assert not naive


def test_every_module_says_what_lives_there():
    plain = {"apps", "urls"}
    silent = [
        str(file_of(module).relative_to(PROJECT))
        for module, tree in modules().items()
        if not ast.get_docstring(tree) and module.split(".")[-1] not in plain and ".commands." not in module
    ]
    assert not silent
