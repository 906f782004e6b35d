"""The pinned requirements are what `make lock` makes of the written ones, as far as can be told without a network."""

import json
import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.blueprint import PROJECT

KINDS = ["requirements", "requirements-dev"]


def written(kind: str) -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in (PROJECT / f"{kind}.in").read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def blocks(kind: str) -> list[str]:
    """One for each pinned package: its line, its hashes, and who wants it."""
    text = (PROJECT / f"{kind}.txt").read_text()
    return re.findall(r"^[a-z0-9].*(?:\n[ ].*)*", text, re.MULTILINE)


def pinned(kind: str) -> dict[str, str]:
    return {canonicalize_name(block.split("==")[0]): block.split("==")[1].split()[0] for block in blocks(kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_written_requirement_is_pinned_within_its_range(kind):
    pins = pinned(kind)
    outside = [name for name, want in written(kind).items() if not want.specifier.contains(pins.get(name, "0"))]
    assert not outside, "run make lock"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_pinned_for_a_requirement_that_was_taken_away(kind):
    wanted = {canonicalize_name(b.split("==")[0]) for b in blocks(kind) if f"-r {kind}.in" in b}
    assert wanted == set(written(kind)), "run make lock"


@pytest.mark.parametrize("kind", KINDS)
def test_every_pin_has_its_hashes(kind):
    assert [block.split()[0] for block in blocks(kind) if "--hash=sha256:" not in block] == []


def test_tests_run_on_the_versions_that_serve():
    serving, testing = pinned("requirements"), pinned("requirements-dev")
    assert {name: testing[name] for name in serving.keys() & testing.keys()} == {
        name: serving[name] for name in serving.keys() & testing.keys()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_written_requirement_says_what_it_is_for(kind):
    lines = (PROJECT / f"{kind}.in").read_text().splitlines()
    assert [line for line in lines if line and line[0] not in "#-" and "# " not in line] == []


def test_the_list_of_parts_is_of_the_pinned_packages():
    """docs/sbom.cdx.json, as CycloneDX has it."""
    listed = json.loads((PROJECT / "docs" / "sbom.cdx.json").read_text())
    parts = {part["name"]: part["version"] for part in listed["components"]}
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
    assert {canonicalize_name(name): version for name, version in parts.items()} == pinned("requirements"), "make lock"
    assert all(part["properties"] for part in listed["components"])
