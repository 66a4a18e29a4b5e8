"""The caller of the voice bench, on a real call: it hears a greeting, answers, and is answered."""

import aiohttp
import numpy as np
import pytest
from bench.voice import Line, Waits
from bench.voice_caller import Speech, engine_exchange, open_caller

from support.speech import speech

RATE = 24_000
SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}},
}


def test_an_answer_ends_with_its_last_loud_sample():
    tone = (10_000 * np.sin(np.arange(RATE) * 0.1)).astype("<i2")
    said = Speech.of(np.concatenate([tone, np.zeros(RATE, "<i2")]).tobytes(), RATE)
    assert said.last_loud == 49
    assert len(said.packets) == 51
    with pytest.raises(ValueError, match="silence"):
        Speech.of(bytes(RATE), RATE)


def test_a_line_holds_by_its_limit_and_only_if_every_answer_was_replied_to():
    waits = Waits([1.0, 1.2, 3.0])
    assert (waits.p50, waits.p95) == (1.2, 3.0)
    assert Line("a", waits, waits.p50, "s", 1.2).holds
    assert not Line("a", waits, waits.p50, "s", 1.1).holds
    assert not Line("a", Waits([1.0], failed=1), 1.0, "s", 1.2).holds
    assert Line("a", waits, 9.0, "s").cells[-1] == "-"


async def test_the_caller_hears_the_greeting_answers_and_is_answered(engine):
    said = Speech.of(speech("I like Berlin for its museums.", RATE), RATE)
    async with aiohttp.ClientSession() as http:
        exchange = engine_exchange(http, f"{engine.url}/v1", engine.key, SESSION)
        async with open_caller(exchange, begins=True) as caller:
            assert await caller.until_heard() > caller.connected_at
            await caller.until_quiet()
            assert await caller.answer(said) > 0
