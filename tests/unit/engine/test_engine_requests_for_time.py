"""Requests for time by their sound: the rule, over likelihoods as a recogniser gives them."""

from collections.abc import Sequence

import pytest

from vivavoce.engine.requests_for_time import REQUESTS, sounds_like_one

WRITTEN = "Good near second."


def likelihoods(written: float, requests: dict[str, float]):
    def of(texts: Sequence[str]) -> list[float]:
        assert texts[0] == WRITTEN
        return [written, *(requests.get(text, -9.0) for text in texts[1:])]

    return of


@pytest.mark.parametrize(
    ("written", "request_", "is_one"),
    [
        (-1.3, -0.5, True),  # likelier than what was written
        (-0.6, -1.2, True),  # nearly as likely
        (-0.2, -1.2, False),  # what was written is much likelier
        (-3.0, -1.9, False),  # neither is likely
    ],
)
def test_a_request_is_one_that_is_likely_beside_the_words(written, request_, is_one):
    of = likelihoods(written, {"Give me a second.": request_})
    assert sounds_like_one(WRITTEN, 1.5, of) is is_one


def test_a_sound_that_is_too_long_for_a_request_only_begins_with_it():
    of = likelihoods(-2.0, {"Give me a second.": -0.3})
    assert sounds_like_one(WRITTEN, 2.5, of)
    assert not sounds_like_one(WRITTEN, 4.0, of)


def test_a_long_sound_is_compared_with_nothing():
    def ask(texts: Sequence[str]) -> list[float]:
        raise AssertionError(texts)

    assert not sounds_like_one(WRITTEN, max(map(len, REQUESTS)), ask)
