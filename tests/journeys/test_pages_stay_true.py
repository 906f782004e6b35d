"""Two processes serve the site; the owner changes a page. Within a second nobody reads the old words."""

import re
import threading
import time

from tests.site import visitor

PAGE = "/treatments/microneedling/"
CHANGE = (
    "from treatments.models import Treatment; Treatment.objects.filter(slug='microneedling').update(summary='{words}')"
)


def test_a_change_is_read_by_everybody_within_a_second(site):
    site.start()
    contents: dict[str, bytes] = {}
    read: list[tuple[float, bytes]] = []
    stop = threading.Event()

    def keep_reading():
        browser = visitor()
        while not stop.is_set():
            begun = time.monotonic()
            with browser.open(f"{site.url}{PAGE}", timeout=20) as answer:
                page = answer.read()
                etag = answer.headers["ETag"]
            assert contents.setdefault(etag, page) == page
            read.append((begun, page))

    readers = [threading.Thread(target=keep_reading) for _ in range(6)]
    for reader in readers:
        reader.start()
    for number in range(3):
        site.manage("shell", "-c", CHANGE.format(words=f"Words number {number}."))
        changed_at = time.monotonic()
        time.sleep(1.5)
        late = [page for begun, page in [*read] if begun > changed_at + 1]
        assert late
        assert all(f"Words number {number}.".encode() in page for page in late)
    stop.set()
    for reader in readers:
        reader.join(timeout=30)
    said = {frozenset(re.findall(r"Words number \d", page.decode())) for page in contents.values()}
    assert said == {frozenset(), *(frozenset({f"Words number {number}"}) for number in range(3))}
    assert len(contents) in (4, 5)  # the clinic may open or close meanwhile, which its pages say too
