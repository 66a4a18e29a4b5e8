"""What the tests in a real browser share: a platform that lets their page in, and the page."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.browser import ROOT, build_page, open_browser, serve_pages
from support.interview import Platform, open_test_platform
from vivavoce.cli.stack import free_port


@dataclass(frozen=True)
class Site:
    """A platform, and a page of another origin that may use it."""

    platform: Platform
    url: str


@pytest.fixture(scope="session")
async def site():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "page"
        build_page(ROOT / "web" / "e2e", built)
        async with (
            open_test_platform(VIVA_ALLOWED_ORIGINS=f"http://localhost:{port}") as platform,
            serve_pages(built, platform, port) as url,
        ):
            yield Site(platform, url)


@pytest.fixture
async def browser():
    async with open_browser() as context:
        yield context
