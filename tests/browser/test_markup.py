"""The HTML validator finds nothing, where Java and the validator are found (VNU_JAR, or var/tools)."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin

import pytest

from tests.site import PROJECT, PUBLIC_PAGES, send_request, visitor


@pytest.fixture(scope="session")
def validate():
    jar = Path(os.environ.get("VNU_JAR", PROJECT / "var/tools/node_modules/vnu-jar/build/dist/vnu.jar"))
    java = shutil.which("java")
    if not java or not jar.is_file():
        pytest.skip("No HTML validator. Install Java, and vnu-jar with npm into var/tools, or name it in VNU_JAR.")

    def run(pages, folder):
        files = {}
        for number, (address, page) in enumerate(pages.items()):
            file = folder / f"{number}.html"
            file.write_text(page)
            files[file.as_uri()] = address
        command = [java, "-jar", jar, "--format", "json", "--stdout", "--exit-zero-always", *files]
        said = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, timeout=180)
        return [
            f"{files[found['url']]} line {found.get('lastLine')}: {found['message']}"
            for found in json.loads(said.stdout)["messages"]
        ]

    return run


def test_the_validator_finds_nothing_on_any_public_page(validate, opened_site, tmp_path):
    addresses = [*PUBLIC_PAGES, *(f"/es{address}" for address in PUBLIC_PAGES)]
    pages = {address: fetch(opened_site, address) for address in addresses}
    private = send_request(opened_site)
    pages |= {f"private: {act}": fetch(opened_site, private + act) for act in ("", "cancel/", "times/", "health/")}
    pages["private, in Spanish"] = fetch(opened_site, private.replace("/my-request/", "/es/my-request/"))
    pages["a form with errors"] = visitor_sends_nothing(opened_site)

    assert validate(pages, tmp_path) == []


def fetch(site, address):
    try:
        return visitor().open(urljoin(site.url, address), timeout=20).read().decode()
    except HTTPError as refusal:
        return refusal.read().decode()


def visitor_sends_nothing(site):
    with pytest.raises(AssertionError, match="422") as shown:
        send_request(site, full_name="", phone="555", contact_by="")
    return str(shown.value).removeprefix("422: ")
