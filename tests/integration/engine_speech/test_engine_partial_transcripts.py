"""Words that are told while they are spoken, by real ears. Audio is fed, not waited for."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from support.speech import noise, silence, speech
from vivavoce.engine.conversation import Conversation
from vivavoce.engine.events import EventStream
from vivavoce.engine.hearing import Hearing, Reactions
from vivavoce.engine.models import Models, open_models
from vivavoce.engine.realtime_session import default_session, updated_session
from vivavoce.engine.vad import SpeechDetector

STORY = (
    "I grew up near the coast, and my father repaired boats for a living,"
    " so I learned to work with my hands before I could read."
)
ANOTHER = "The printers on the second floor of the building have not worked since the last update."
NAME = "conversation.item.input_audio_transcription"


@pytest.fixture(scope="module")
async def models() -> AsyncIterator[Models]:
    async with open_models() as models:
        await models.ready()
        yield models


async def nothing(*_: object) -> None:
    """There is no interviewer here."""


@asynccontextmanager
async def hearing(models: Models):
    """Ears without a call around them, and the events that they tell."""
    audio = {"input": {"transcription": {}, "turn_detection": {"type": "semantic_vad"}}}
    session = updated_session(default_session(), {"audio": audio})
    events, told = EventStream(), []
    events.attach(lambda text: told.append(json.loads(text)))
    async with anyio.create_task_group() as tasks:
        ears = Hearing(
            session,
            speech=SpeechDetector(),
            models=models,
            tasks=tasks,
            conversation=Conversation(),
            events=events,
            reactions=Reactions(lambda: None, nothing, lambda: None),
        )
        yield ears, told
        tasks.cancel_scope.cancel()


async def until_idle(models: Models) -> None:
    with anyio.fail_after(20):
        while models.waiting:  # noqa: ASYNC110  no event for it
            await anyio.sleep(0.001)
    await anyio.wait_all_tasks_blocked()


async def listen(ears: Hearing, models: Models, pcm: bytes) -> None:
    """Hear audio as fast as the models do: they are done with each piece before the next."""
    for start in range(0, len(pcm), 3_200):
        ears.feed(pcm[start : start + 3_200], speaking=False, responding=False)
        await anyio.wait_all_tasks_blocked()
        await until_idle(models)


async def test_words_are_told_while_they_are_spoken_and_never_taken_back(models: Models):
    async with hearing(models) as (ears, told):
        await listen(ears, models, silence(0.5) + speech(STORY) + silence(2))
        types = [event["type"] for event in told]
        stopped = types.index("input_audio_buffer.speech_stopped")
        early = [event for event in told[:stopped] if event["type"] == f"{NAME}.delta"]
        assert len(early) >= 2
        assert "".join(event["delta"] for event in early).startswith("I grew up near the coast")
        started = told[types.index("input_audio_buffer.speech_started")]
        assert {event["item_id"] for event in early} == {started["item_id"]}
        completed = told[types.index(f"{NAME}.completed")]
        deltas = [event["delta"] for event in told if event["type"] == f"{NAME}.delta"]
        assert "".join(deltas) == completed["transcript"]
        assert completed["transcript"].endswith("before I could read.")


async def test_where_the_recogniser_is_busy_parts_are_left_out(models: Models):
    async with hearing(models) as (ears, told), anyio.create_task_group() as tasks:
        os.kill(models.worker_pid, signal.SIGSTOP)
        try:
            tasks.start_soon(models.transcribe, speech("Somebody else is heard."))
            await anyio.wait_all_tasks_blocked()
            story = silence(0.5) + speech(ANOTHER)[: 4 * 32_000]
            for start in range(0, len(story), 3_200):
                ears.feed(story[start : start + 3_200], speaking=False, responding=False)
                await anyio.wait_all_tasks_blocked()
            assert models.waiting == 1
        finally:
            os.kill(models.worker_pid, signal.SIGCONT)
        assert [event["type"] for event in told] == ["input_audio_buffer.speech_started"]
        await until_idle(models)


async def test_noise_is_told_as_no_words(models: Models):
    async with hearing(models) as (ears, told):
        await listen(ears, models, noise(6, level=0.1) + silence(2))
        assert [event for event in told if event["type"] == f"{NAME}.delta"] == []
