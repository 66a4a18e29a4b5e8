"""One picture of a page for each size and colour scheme, in the state in which the page is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Page, ViewportSize

DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


@dataclass
class Gallery:
    """A folder of pictures, numbered as they are taken: `candidate-03-consent-phone-dark.png`."""

    folder: Path
    walk: str
    taken: int = 0

    async def take(self, page: Page, state: str) -> None:
        """Take the page as it is; it is on a light desktop afterwards."""
        self.taken += 1
        # A dialog stands in the middle of the window, over what is seen of the page.
        is_whole = await page.locator("dialog[open]").count() == 0
        name = f"{self.walk}-{self.taken:02d}-{state}"
        for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
            for scheme in reversed(_SCHEMES):
                await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                await page.set_viewport_size(await _whole(page, viewport) if is_whole else viewport)
                path = self.folder / f"{name}-{size}-{scheme}.png"
                await page.screenshot(path=path, full_page=is_whole)
        await page.set_viewport_size(DESKTOP)
        await page.emulate_media(reduced_motion=None)


async def _whole(page: Page, viewport: ViewportSize) -> ViewportSize:
    """A window in which nothing is below the edge, so that what sticks to it covers nothing."""
    await page.set_viewport_size(viewport)
    height = await page.evaluate("document.documentElement.scrollHeight")
    return {"width": viewport["width"], "height": max(height, viewport["height"])}
