"""Canary words typed into every field appear in no mail, log line, address or page title."""

import re
import time
from urllib.error import HTTPError

import pytest

from tests.site import send_request, visitor

CANARIES = {
    "full_name": "Canaryname Quetzal",
    "phone": "520 555 0177",
    "email": "canary@example.com",
    "message": "canarymessage about eczema",
}


def test_canaries_stay_where_the_patient_put_them(site):
    site.environment["LOG_FORMAT"] = "json"  # it says more
    site.start(sender=True)
    address = send_request(site, **CANARIES)
    page = visitor().open(address).read().decode()
    assert all(canary in page for canary in CANARIES.values()), "or this test could not fail"
    with pytest.raises(HTTPError, match="404"):
        visitor().open(f"{address[:-3]}xyz/?q=canaryquery")
    mails = wait_for_mails(site, 2)
    site.stop()

    title = re.search(r"<title>(.*?)</title>", page, re.S)[1]
    assert not words_of(CANARIES) & words_of({"title": title, "address": address})
    for mail in mails:
        body = re.sub(r"^To: canary@example.com$", "", mail, flags=re.M)
        assert "canary" not in body.lower()
        assert "0177" not in body
    log = site.log.read_text()
    assert "sent" in log
    assert '"route": "my-request/<token>/"' in log
    assert "canary" not in log.lower()
    assert "0177" not in log
    token = address.rstrip("/").rpartition("/")[2]
    assert token not in log
    assert token[:-3] not in log


def words_of(texts):
    return {word.lower() for text in texts.values() for word in re.findall(r"[\w@.]+", text)} - {"about"}


def wait_for_mails(site, number):
    folder = site.folder / "var" / "mail"
    for _ in range(200):
        mails = "".join(file.read_text() for file in folder.iterdir()).split("-" * 79)
        mails = [mail for mail in mails if mail.strip()]
        if len(mails) >= number:
            return mails
        time.sleep(0.1)
    raise TimeoutError(site.log.read_text())
