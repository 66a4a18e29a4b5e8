"""Whether everybody can use a page, as far as a machine can tell: axe-core, in the page."""

from functools import cache
from typing import Any, Final

from playwright.async_api import Page, ViewportSize

from support.browser import ROOT

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SEVERE = ("serious", "critical")
SIZES: Final[dict[str, ViewportSize]] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 720},
}
_FOUND = "axe.run({ resultTypes: ['violations'] })"
_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@cache
def _axe() -> str:
    return AXE.read_text()


async def faults_of(page: Page) -> list[str]:
    """What is serious or critical about the page as it stands, on a desktop's screen and a phone's.

    Each in light and in dark; no page may be wider than the screen. The script comes by the
    debugger's way in, for which the page's policy makes no difference.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    before = page.viewport_size
    faults = []
    for size, pixels in SIZES.items():
        await page.set_viewport_size(pixels)
        if await page.evaluate(_TOO_WIDE):
            faults.append(f"{size}: wider than the screen")
        for scheme in ("dark", "light"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found: dict[str, Any] = await page.evaluate(_FOUND)
            faults += [
                f"{size}, {scheme}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
                for one in found["violations"]
                if one["impact"] in SEVERE
            ]
    if before is not None:
        await page.set_viewport_size(before)
    return faults
