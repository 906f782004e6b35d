"""Writes docs/sbom.cdx.json, the list of all that the site is made of (CycloneDX 1.6), from requirements.txt.

python3 deploy/sbom.py
"""

import json
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
FILE = PROJECT / "docs" / "sbom.cdx.json"
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==(\S+)((?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)


def components(requirements: str) -> list[dict]:
    """One for each pinned package, with the hashes of its files."""
    found = []
    for name, version, rest in PINNED.findall(requirements):
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)
        address = f"pkg:pypi/{name.lower()}@{version}"
        component = {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address}
        component["properties"] = [{"name": "hash", "value": f"sha256:{value}"} for value in hashes]
        found.append(component)
    return found


def sbom(requirements: str) -> str:
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "mirror-mirror-med-spa"}},
        "components": components(requirements),
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(sbom((PROJECT / "requirements.txt").read_text()))
