"""Whether everybody can use a page, as far as a machine can tell: axe-core, in the page."""

from functools import cache
from typing import Any

from playwright.async_api import Page

from support.browser import ROOT

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
SEVERE = ("serious", "critical")


@cache
def _axe() -> str:
    return AXE.read_text()


async def faults_of(page: Page) -> list[str]:
    """What is serious or critical about the page as it stands, in light and in dark.

    The script comes by the debugger's way in, for which the page's policy makes no difference.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    faults = []
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found: dict[str, Any] = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
        faults += [
            f"{scheme}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in SEVERE
        ]
    return faults
