"""One accent colour for a tenant's pages, which can be read wherever it stands.

What is derived of it is computed once, here: pages only set what they are told. Contrast is that of
WCAG 2.2 (relative luminance; success criterion 1.4.3 asks for 4.5:1).
"""

import re
from collections.abc import Sequence
from typing import Final

from vivavoce.errors import InvalidRequest
from vivavoce.protocol.organisation import Shades, Theme

MIN_CONTRAST: Final = 4.5
LIGHT_GROUNDS: Final = ("#ffffff", "#f6f7f8", "#eceef0")
DARK_GROUNDS: Final = ("#1c2024", "#14171a", "#101315")
"""The surface, the ground and what is sunken, as `web/app/src/ui/base.css` has them."""
WHITE: Final = "#ffffff"
INK: Final = "#0b0d0f"
_SHARE_ON_LIGHT: Final = 0.11
_SHARE_ON_DARK: Final = 0.13
_STEPS: Final = 50
_LINEAR_UNTIL: Final = 0.04045
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")


def checked_accent(text: str) -> str:
    """A colour that may be a tenant's accent, in small letters.

    Raises:
        InvalidRequest: If it is none, or cannot be read on a light page; the message has the
            nearest one that can.
    """
    if not _COLOUR.fullmatch(text):
        raise InvalidRequest(f"accent: {text!r} is no colour. Write it like #0b5f6b.")
    accent = text.lower()
    nearest = theme_of(accent).light.accent
    if nearest != accent:
        least = min(contrast(accent, ground) for ground in LIGHT_GROUNDS)
        raise InvalidRequest(
            f"accent: {accent} is too pale to be read on a light page (contrast {least:.1f}:1, at"
            f" least {MIN_CONTRAST}:1 is needed). The nearest that can be read is {nearest}."
        )
    return accent


def theme_of(accent: str) -> Theme:
    """The colours of pages with an accent, which is `#rrggbb`.

    It is darker on light pages and lighter on dark ones where it could not be read as it is.
    """
    return Theme(
        light=_shades(accent, INK, LIGHT_GROUNDS, _SHARE_ON_LIGHT),
        dark=_shades(accent, WHITE, DARK_GROUNDS, _SHARE_ON_DARK),
    )


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """A colour with this share of another, from 0 to 1."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _shades(accent: str, towards: str, grounds: Sequence[str], share: float) -> Shades:
    """The first colour on the way to black or white that can be read; that one always can."""
    for step in range(_STEPS + 1):
        shade = mixed(accent, towards, step / _STEPS)
        soft = mixed(grounds[0], shade, share)
        if min(contrast(shade, ground) for ground in (*grounds, soft)) >= MIN_CONTRAST:
            break
    on_accent = max((WHITE, INK), key=lambda text: contrast(text, shade))
    return Shades(accent=shade, on_accent=on_accent, accent_soft=soft)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definitions)."""
    red, green, blue = (
        value / 12.92 if value <= _LINEAR_UNTIL else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
