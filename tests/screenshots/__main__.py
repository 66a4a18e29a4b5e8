"""Photograph the pages: `make screenshots`, or `make screenshots ONLY=candidate`."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

import anyio

from screenshots import candidate, console
from screenshots.gallery import Gallery
from support.browser import ROOT
from support.interview import Platform, open_test_platform

FOLDER: Final = ROOT / "screenshots"
WALKS: Final[Mapping[str, Callable[[Platform, Gallery], Awaitable[None]]]] = MappingProxyType(
    {"candidate": candidate.walk, "console": console.walk}
)


async def run(names: list[str]) -> None:
    """Take these walks, one after the other, through one platform."""
    FOLDER.mkdir(exist_ok=True)
    async with open_test_platform() as platform:
        for name in names:
            for old in FOLDER.glob(f"{name}-*.png"):
                old.unlink()
            gallery = Gallery(FOLDER, name)
            await WALKS[name](platform, gallery)
            print(f"{name}: {gallery.taken} states in {FOLDER.relative_to(ROOT)}/")


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Photograph the pages.")
    parser.add_argument("--only", choices=sorted(WALKS))
    only = parser.parse_args().only
    anyio.run(run, [only] if only else list(WALKS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
