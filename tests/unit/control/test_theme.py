"""A tenant's accent: whatever it is, everything in it can be read."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.control.theme import (
    DARK_GROUNDS,
    LIGHT_GROUNDS,
    MIN_CONTRAST,
    checked_accent,
    contrast,
    theme_of,
)
from vivavoce.errors import InvalidRequest

CSS = Path(__file__).parents[3] / "web" / "app" / "src" / "ui" / "base.css"
COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


def pages_own():
    """The pages' colours by name, light and dark."""
    found = re.findall(
        r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS.read_text()
    )
    return {name: (light, dark) for name, light, dark in found}


def test_contrast_is_that_of_the_standard():
    """Source: WCAG 2.2; #767676 is the palest grey that passes on white."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#777777", "#ffffff") < MIN_CONTRAST


def test_the_grounds_are_those_of_the_pages():
    own = pages_own()
    names = ("surface", "ground", "sunken")
    assert [own[name] for name in names] == list(zip(LIGHT_GROUNDS, DARK_GROUNDS, strict=True))


@given(COLOURS)
def test_whatever_the_accent_is_it_can_be_read_and_so_can_what_stands_on_it(accent):
    theme, own = theme_of(accent), pages_own()
    for at, (shades, grounds) in enumerate(
        ((theme.light, LIGHT_GROUNDS), (theme.dark, DARK_GROUNDS))
    ):
        for ground in (*grounds, shades.accent_soft):
            assert contrast(shades.accent, ground) >= MIN_CONTRAST
        assert contrast(shades.on_accent, shades.accent) >= MIN_CONTRAST
        for text in ("text", "quiet", "bad", "good"):
            assert contrast(own[text][at], shades.accent_soft) >= MIN_CONTRAST, text


@given(COLOURS)
def test_an_accent_that_is_taken_is_used_as_it_is(accent):
    try:
        taken = checked_accent(accent.upper())
    except InvalidRequest as refused:
        nearest = str(refused).split()[-1].removesuffix(".")
        assert checked_accent(nearest) == nearest, "what is proposed is taken"
    else:
        assert theme_of(taken).light.accent == accent


@pytest.mark.parametrize("text", ["", "#fff", "0b5f6b", "#0b5f6", "#0b5f6bb", "teal", "#0b5f6g"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(InvalidRequest, match="no colour"):
        checked_accent(text)


def test_a_pale_accent_is_refused_with_the_nearest_that_can_be_read():
    with pytest.raises(InvalidRequest, match=r"#ffd400 is too pale .* is #[0-9a-f]{6}\."):
        checked_accent("#ffd400")
