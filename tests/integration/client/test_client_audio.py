"""What a candidate says: any source, paced; and what is measured of both sides."""

import wave
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import numpy as np
import pytest

from vivavoce.client import Microphone, Samples, Sound, WavFile
from vivavoce.client.audio import SAMPLE_RATE, Mouth, MouthTrack
from vivavoce.client.loudness import SoundMeter, Span, reply_times
from vivavoce.errors import InvalidRequest

FRAME = 960


def tone(seconds: float, rate: int) -> np.ndarray:
    return np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate).astype(np.float32) * 0.5


def write_wav(path: Path, samples: np.ndarray, rate: int, channels: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())


async def collected(source) -> list[Sound]:
    return [sound async for sound in source]


async def spoken(source, frames: int) -> bytes:
    """The first frames that a track sends of a source."""
    mouth = Mouth()
    track = MouthTrack(mouth)
    mouth.give_to(track)
    sent = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(mouth.speak, source)
        for number in range(frames):
            frame = await track.recv()
            assert (frame.samples, frame.sample_rate) == (FRAME, SAMPLE_RATE)
            assert frame.pts == number * FRAME
            sent.append(bytes(frame.planes[0])[: 2 * FRAME])
        tasks.cancel_scope.cancel()
    return b"".join(sent)


async def test_a_wav_file_is_mixed_down_and_keeps_its_length(tmp_path: Path):
    left = tone(0.7, 22_050)
    write_wav(tmp_path / "a.wav", np.stack([left, left * 0], axis=1), 22_050, channels=2)
    sounds = await collected(WavFile(tmp_path / "a.wav"))
    assert {sound.rate for sound in sounds} == {22_050}
    assert sum(sound.seconds for sound in sounds) == pytest.approx(0.7, abs=0.001)
    mixed = np.frombuffer(b"".join(sound.pcm for sound in sounds), "<i2")
    assert np.abs(mixed).max() == pytest.approx(32_767 * 0.25, rel=0.01)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a wav file at all" * 10])
async def test_a_broken_wav_file_is_a_clear_error(tmp_path: Path, content: bytes):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"a\.wav"):
        await collected(WavFile(tmp_path / "a.wav"))


async def test_arrays_of_floats_and_of_integers_sound_the_same():
    floats = tone(0.1, 16_000)
    integers = (floats * 32_767).astype(np.int16)
    (one,) = await collected(Samples(floats, 16_000))
    (other,) = await collected(Samples(integers.reshape(-1, 1), 16_000))
    assert one == other


async def test_without_a_microphone_it_says_what_to_do():
    with pytest.raises(InvalidRequest, match=r"sounddevice|microphone"):
        await anext(aiter(Microphone("no such device")))


async def test_sound_of_any_rate_goes_out_at_48_khz_in_frames_of_20_ms():
    heard = np.frombuffer(await spoken(Samples(tone(0.2, 16_000), 16_000), frames=14), "<i2")
    loud = np.flatnonzero(np.abs(heard) > 655)
    assert (loud[-1] - loud[0]) / SAMPLE_RATE == pytest.approx(0.2, abs=0.005)
    spectrum = np.abs(np.fft.rfft(heard[loud[0] : loud[-1]]))
    hertz = np.argmax(spectrum) * SAMPLE_RATE / (loud[-1] - loud[0])
    assert hertz == pytest.approx(440, abs=5)


async def test_silence_is_sent_while_a_source_thinks():
    class Thinking:
        async def __aiter__(self) -> AsyncIterator[Sound]:
            await anyio.sleep_forever()
            yield Sound(b"", SAMPLE_RATE)

    assert not any(await spoken(Thinking(), frames=3))


async def test_a_sentence_goes_on_in_the_call_that_takes_over():
    mouth = Mouth()
    old, new = MouthTrack(mouth), MouthTrack(mouth)
    mouth.give_to(old)
    ramp = np.arange(6 * FRAME, dtype=np.int16) + 1000
    heard = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(mouth.speak, Samples(ramp, SAMPLE_RATE))
        await anyio.wait_all_tasks_blocked()
        heard += [mouth.take_frame(old, 0.0) for _ in range(3)]
        mouth.give_to(new)
        for _ in range(3):
            assert not any(mouth.take_frame(old, 0.0))
            heard.append(mouth.take_frame(new, 0.0))
            await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert b"".join(heard) == ramp.astype("<i2").tobytes()


def test_loud_spans_are_known_to_the_sample():
    meter = SoundMeter()
    samples = np.zeros(1000, dtype="<i2")
    samples[100], samples[399] = 20_000, -20_000
    meter.add(samples.tobytes(), 1000, started_at=10.0)
    meter.add(bytes(2000), 1000, started_at=11.0)
    meter.add(samples.tobytes(), 1000, started_at=12.0)
    assert meter.spans == (Span(10.1, 10.4), Span(12.1, 12.4))


def test_a_short_pause_does_not_part_a_span():
    meter = SoundMeter()
    loud = np.full(100, 9000, dtype="<i2").tobytes()
    meter.add(loud, 1000, started_at=0.0)
    meter.add(loud, 1000, started_at=0.35)
    (span,) = meter.spans
    assert (span.start, span.end) == pytest.approx((0.0, 0.45))


def test_a_reply_is_timed_from_the_end_of_the_turn():
    said = [Span(1.0, 2.0), Span(2.5, 3.0), Span(10.0, 11.0), Span(20.0, 21.0)]
    heard = [Span(0.0, 0.5), Span(4.2, 6.0), Span(6.5, 9.0), Span(12.0, 13.0)]
    assert reply_times(said, heard) == pytest.approx([1.2, 1.0])
