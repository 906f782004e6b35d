"""What the documents name is there, and what must be documented is."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.house.blueprint import FLOORS, PROJECT

README = PROJECT / "README.md"
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
NOT_FOR_PEOPLE = {"DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED"}
READERS = {"networks", "time_zone", "text", "flag", "number", "one_of", "names", "folder", "token", "get", "setdefault"}


@pytest.fixture
def readme() -> str:
    if not README.exists():
        pytest.skip("there is no README yet")
    return README.read_text()


def variables_read() -> set[str]:
    """Names of the environment that the settings and the programs in deploy/ read."""
    found = set()
    for file in [PROJECT / "medspa/settings.py", *PROJECT.glob("deploy/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READERS:
                found |= _names(node.args[:1], node.func.value)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "_number":
                found |= {ast.literal_eval(node.args[0])}
            elif isinstance(node, ast.Subscript):
                found |= _names([node.slice], node.value)
    return found - NOT_FOR_PEOPLE


def _names(words: list[ast.expr], owner: ast.expr) -> set[str]:
    if ast.unparse(owner) not in {"env", "os.environ"}:
        return set()
    return {word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)}


def test_the_environment_is_found_in_the_code():
    assert {"SECRET_KEY", "DATABASE_URL", "VAR_DIR", "PORT", "WEB_CONCURRENCY"} <= variables_read()


def test_readme_lists_every_variable_and_no_other(readme):
    listed = set(re.findall(r"^\| `([A-Z][A-Z_]+)` \|", readme, re.MULTILINE))
    assert listed == variables_read()
    assert "TEST_DATABASE_URL" in readme


def test_readme_lists_every_command_of_ours_and_no_other(readme):
    ours = {name for name, app in get_commands().items() if app.split(".")[-1] in FLOORS}
    assert set(re.findall(r"^\| `([a-z_]+)(?: [A-Z-][^`]*)?` \|", readme, re.MULTILINE)) == ours


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_make_targets_that_are_named_exist(document):
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\s*)make ([a-z-]+)", document.read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_commands_that_are_named_exist(document):
    named = set(re.findall(r"manage\.py ([a-z_]+)", document.read_text()))
    assert named <= {*get_commands(), "help"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_files_that_are_named_exist(document):
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link and ":" not in link]
    missing = [link for link in links if not (document.parent / link).exists()]
    tops = "|".join(re.escape(entry.name) for entry in PROJECT.iterdir() if entry.name not in {".git", ".venv", "var"})
    paths = re.findall(rf"`((?:{tops})(?:/[\w.\-/]*)?)`", text)
    missing += [path for path in paths if not (PROJECT / path).exists()]
    assert not missing


def test_the_programs_make_starts_exist():
    programs = re.findall(r"\b(deploy/[\w.]+|manage\.py)", (PROJECT / "Makefile").read_text())
    assert programs
    assert [program for program in programs if not Path(PROJECT, program).exists()] == []
