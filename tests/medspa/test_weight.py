"""What a page weighs on the wire, from the real server with compression on."""

import gzip
import re
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import pytest

from tests.site import PUBLIC_PAGES, Site, send_request

MARKUP_STYLE_SCRIPT = 10 * 1024  # bytes; look.md's figure to beat
FIRST_LOAD = 60 * 1024  # with fonts and drawing, without photos


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("weight"))
    yield site.start()
    site.remove()


def test_every_page_is_light(served, capsys):
    rows = []
    for address in [*PUBLIC_PAGES, *(f"/es{address}" for address in PUBLIC_PAGES), send_request(served)]:
        url = urljoin(served.url, address)
        page, weight = fetch(url)
        linked = {urljoin(url, path) for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page)}
        weights = {path: fetch(path)[1] for path in linked}
        code = weight + sum(bytes_ for path, bytes_ in weights.items() if path.endswith((".css", ".js")))
        name = re.sub(r"/my-request/.*", "/my-request/…/", url.removeprefix(served.url))
        rows.append((name, weight, code, weight + sum(weights.values())))

    with capsys.disabled():
        print(f"\n{'page':40} {'HTML':>8} {'with CSS, JS':>13} {'first load':>11}   bytes on the wire")  # noqa: T201
        for name, *numbers in rows:
            print("{:40} {:8} {:13} {:11}".format(name, *numbers))  # noqa: T201
    assert all(code <= MARKUP_STYLE_SCRIPT for _name, _html, code, _all in rows)
    assert all(everything <= FIRST_LOAD for *_rest, everything in rows)


def fetch(url):
    """The text that came, and how many bytes it took."""
    request = Request(url, headers={"Accept-Encoding": "gzip"})
    try:
        with urlopen(request, timeout=20) as response:
            body, coding = response.read(), response.headers.get("Content-Encoding")
    except OSError as refusal:  # a page that reports trouble has a body too
        body, coding = refusal.read(), refusal.headers.get("Content-Encoding")
    text = gzip.decompress(body) if coding == "gzip" else body
    return text.decode("utf-8", "replace"), len(body)
