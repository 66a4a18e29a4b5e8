"""Audio in events, to and from the wire."""

import math
from array import array
from itertools import pairwise

import pytest

from vivavoce.engine.wire_audio import Decoder, Encoder, bytes_per_ms, decoded

FORMATS = ("audio/pcm", "audio/pcmu", "audio/pcma")
TONE_HERTZ = 400


def tone(seconds, rate):
    return array(
        "h",
        (
            int(12_000 * math.sin(2 * math.pi * TONE_HERTZ * i / rate))
            for i in range(int(seconds * rate))
        ),
    )


def crossings(samples):
    return sum((a < 0) != (b < 0) for a, b in pairwise(samples))


@pytest.mark.parametrize("type_", FORMATS)
def test_a_tone_comes_back_as_itself(type_):
    encoder = Encoder(type_)
    wire = encoder.encode(tone(1.0, 24_000).tobytes()) + encoder.flush()
    assert len(wire) == 1_000 * bytes_per_ms(type_)
    heard = array("h", decoded(wire, type_))
    assert len(heard) == pytest.approx(16_000, abs=2)
    assert crossings(heard) == pytest.approx(2 * TONE_HERTZ, abs=4)
    assert max(heard) == pytest.approx(12_000, rel=0.1)


@pytest.mark.parametrize("type_", FORMATS)
def test_how_audio_is_cut_makes_no_difference(type_):
    encoder = Encoder(type_)
    wire = encoder.encode(tone(0.5, 24_000).tobytes()) + encoder.flush()
    decoder, heard = Decoder(type_), b""
    for start in range(0, len(wire), 77):  # an odd number of bytes parts samples
        heard += decoder.decode(wire[start : start + 77])
    assert heard + decoder.flush() == decoded(wire, type_)


@pytest.mark.parametrize(
    ("type_", "silence", "loud"), [("audio/pcmu", 0xFF, 0x80), ("audio/pcma", 0xD5, 0xAA)]
)
def test_the_codes_of_silence_and_full_scale_are_those_of_g711(type_, silence, loud):
    encoder = Encoder(type_)
    assert set(encoder.encode(bytes(4_800))) == {silence}
    encoder = Encoder(type_)
    wire = encoder.encode(array("h", [32_767] * 2_400).tobytes())
    assert wire[len(wire) // 2] == loud


@pytest.mark.parametrize("type_", FORMATS)
def test_nothing_gives_nothing(type_):
    assert decoded(b"", type_) == b""
    assert Encoder(type_).encode(b"") == b""
