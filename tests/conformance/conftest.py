"""The engine, seen by clients that were made for the real service."""

import pytest

from support.engine import engine
from support.speech import speech

__all__ = ["answer", "engine"]


@pytest.fixture(scope="session")
def answer(tmp_path_factory):
    """A file with a spoken answer, s16le mono at 24 kHz."""
    path = tmp_path_factory.mktemp("speech") / "answer.pcm"
    said = "I like Berlin, because it has museums, lakes and good bread."
    path.write_bytes(speech(said, 24_000))
    return str(path)
