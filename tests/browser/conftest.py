"""A real Chromium against the real site. Where no Chromium is found these tests are reported as skipped."""

import os
import shutil

import pytest
from playwright.sync_api import Locator, sync_playwright

from tests.site import Site

# Playwright keeps an event loop in this thread, which Django takes for a reason not to speak to the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

PASSWORD = "plain-Desk-words-2026"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium():
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("No Chromium on the PATH. Install it, or name it in CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def _a_click_ends_when_its_page_is_there():
    """Playwright's own click ends when the next page begins, and a test that looks then sees half of it."""
    patch, click = pytest.MonkeyPatch(), Locator.click

    def and_wait(locator, **how):
        click(locator, **how)
        locator.page.wait_for_load_state()

    patch.setattr(Locator, "click", and_wait)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def opened_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), os.environ.get("TEST_DATABASE_URL", ""))
    site.start(sender=True)
    yield site
    site.remove()


@pytest.fixture
def look(chromium, opened_site):
    """Open a page as somebody would: `look("/", width=375, dark=True)`.

    At the end of the test nothing may have come from another host, and no policy may have been broken.
    """
    contexts, complaints = [], []

    def open_page(address, *, width=1280, dark=False, forced=False, scripts=True):
        context = chromium.new_context(
            base_url=opened_site.url,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            forced_colors="active" if forced else "none",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("request", lambda request: complaints.append(request.url) if is_foreign(request.url) else None)
        page.on("console", lambda message: complaints.append(message.text) if is_trouble(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    def is_foreign(url):
        return not url.startswith((opened_site.url, "data:", "blob:", "about:"))

    def is_trouble(message):
        # A page that answers 4xx on purpose is no trouble; a broken policy is.
        return message.type in {"error", "warning"} and "Failed to load resource" not in message.text

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def _staff(opened_site):
    for name, group in (("ana", "Front desk"), ("olga", "Owner")):
        opened_site.manage("create_staff", name, "--group", group, input=f"{PASSWORD}\n")


@pytest.fixture
def sign_in(look, _staff):
    """Open the desk as Ana of the front desk, or as Olga, who owns it."""

    def as_somebody(name="ana", **how):
        page = look("/admin/", **how)
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Requests to answer").wait_for()
        return page

    return as_somebody
