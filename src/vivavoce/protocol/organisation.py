"""`/v1/organisation`: who a tenant is, and how its pages look."""

import msgspec


class Shades(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What comes of an accent colour on one ground, each as `#rrggbb`."""

    accent: str
    on_accent: str
    """Of text that stands on the accent."""
    accent_soft: str
    """A ground for the accent and for text."""


class Theme(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """A tenant's colours; every text in them has a contrast of at least 4.5:1."""

    light: Shades
    dark: Shades


class OrganisationView(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """`GET /v1/organisation`."""

    name: str
    theme: Theme | None
    """None: the pages' own colours."""
