"""The real models in their real worker process."""

import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import anyio
import jiwer
import numpy as np
import psutil
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from support.speech import hum, loudness, mixed, noise, resampled, silence, speech
from vivavoce.engine.models import Models, ModelSettings, Priority, open_models
from vivavoce.engine.phrases import normalised
from vivavoce.engine.stt import bundled_whisper, log_mel
from vivavoce.errors import Unavailable

PLAIN_SENTENCES = (
    "I grew up near the coast, and my father repaired boats for a living.",
    "After school I worked in a kitchen for two years before I went to university.",
    "The first thing I do in the morning is read the messages from the night shift.",
    "My team looks after the payment pages, and we answer the phone when they break.",
    "Last winter we moved all of our records to a new system without losing a day.",
    "I like to explain hard things in simple words, because it shows me what I do not know.",
    "When two people disagree, I ask each of them what would change their mind.",
    "The project was late, so I told the customer early and we agreed on a smaller first step.",
)


@pytest.fixture(scope="module")
async def models() -> AsyncIterator[Models]:
    async with open_models() as models:
        await models.ready()
        yield models


@contextmanager
def suspended(models: Models) -> Iterator[None]:
    """Stop the worker where it is, and let it go on afterwards."""
    worker = models.worker_pid
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)


async def spoken(models: Models, text: str, speed: float = 1.0) -> list[bytes]:
    return [audio async for audio in models.synthesise(text, speed=speed)]


async def test_each_piece_of_a_text_has_its_log_probability(models: Models):
    clear = await models.transcribe(speech(PLAIN_SENTENCES[0]))
    hard = await models.transcribe(mixed(speech(PLAIN_SENTENCES[0]), noise(5)))
    long = await models.transcribe(b"".join(speech(text) for text in PLAIN_SENTENCES[:5]))
    certainties = []
    for said in (clear, hard, long):
        assert "".join(piece for piece, _ in said.tokens) == said.text
        certainties.append(sum(log for _, log in said.tokens) / len(said.tokens))
    assert certainties[1] < certainties[0] <= 0
    assert (await models.transcribe(silence(2))).tokens == ()


async def test_plain_sentences_are_heard_with_few_wrong_words(models: Models):
    heard = [(await models.transcribe(speech(text))).text for text in PLAIN_SENTENCES]
    errors = jiwer.wer([normalised(text) for text in PLAIN_SENTENCES], list(map(normalised, heard)))
    assert errors <= 0.15, heard


@pytest.mark.parametrize("text", ["Yes, I do.", "About seven years.", "Could you repeat that?"])
async def test_short_answers_are_heard_once(models: Models, text: str):
    assert normalised((await models.transcribe(speech(text))).text) == normalised(text)


@pytest.mark.parametrize(
    "sound",
    [
        b"",
        silence(2),
        silence(0.01),
        noise(2, level=0.02),
        noise(3, level=0.2, seed=2),
        hum(2),
        mixed(hum(3), noise(3, level=0.01)),
    ],
    ids=["nothing", "silence", "a moment", "soft noise", "loud noise", "hum", "hum and noise"],
)
async def test_where_nobody_speaks_there_is_no_text(models: Models, sound: bytes):
    assert (await models.transcribe(sound)).text == ""


async def test_speech_scores_as_speech_and_has_its_length(models: Models):
    heard = await models.transcribe(speech(PLAIN_SENTENCES[0]))
    assert heard.no_speech_probability < 0.3
    assert -1 < heard.average_log_probability < 0
    assert heard.seconds == pytest.approx(len(speech(PLAIN_SENTENCES[0])) / 32_000)


async def test_speech_longer_than_a_window_is_heard_to_its_end(models: Models):
    long = b"".join(speech(text) + silence(0.4) for text in PLAIN_SENTENCES)
    assert len(long) > 30 * 32_000
    heard = await models.transcribe(long)
    assert jiwer.wer(normalised(" ".join(PLAIN_SENTENCES)), normalised(heard.text)) <= 0.15


async def test_a_prompt_tells_the_words_to_expect(models: Models):
    said = speech("Then we used Kubernetes with Terraform and Ansible.")
    heard = await models.transcribe(said, prompt="Kubernetes, Terraform, Ansible.")
    assert "kubernetes with terraform" in normalised(heard.text)


async def test_the_final_of_what_was_heard_speculatively_is_the_same(models: Models):
    said = speech("We shipped it on a Friday, and it was fine.")
    speculative = await models.transcribe(said, priority=Priority.SPECULATIVE)
    assert await models.transcribe(said) == speculative


async def test_a_cancelled_request_leaves_the_queue(models: Models):
    await models.ready()
    os.kill(models.worker_pid, signal.SIGSTOP)  # so that none is done before we look
    try:
        async with anyio.create_task_group() as tasks:
            for seed in range(4):
                tasks.start_soon(
                    models.transcribe, mixed(speech(PLAIN_SENTENCES[1]), noise(1, seed=seed))
                )
            await anyio.wait_all_tasks_blocked()
            assert models.waiting == 4
            tasks.cancel_scope.cancel()
        assert models.waiting <= 1  # the one that was started is finished
    finally:
        os.kill(models.worker_pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "pcm", [b"\0", bytes(16_000 * 2 * 901)], ids=["half a sample", "15 minutes"]
)
async def test_audio_out_of_bounds_is_refused(models: Models, pcm: bytes):
    with pytest.raises(ValueError, match="audio to transcribe"):
        await models.transcribe(pcm)


async def test_a_text_is_spoken_sentence_by_sentence_and_understood(models: Models):
    audio = await spoken(models, "Thanks. What was the hardest part of that?")
    assert len(audio) == 2
    assert all(loudness(part) > 0.01 for part in audio)
    heard = await models.transcribe(resampled(b"".join(audio), 24_000, 16_000))
    assert normalised(heard.text) == "thanks what was the hardest part of that"


async def test_words_come_at_once_and_not_after_a_silence(models: Models):
    for sentence in ("Thanks.", "Of course.", "What was the hardest part?"):
        (audio,) = await spoken(models, sentence)
        assert loudness(audio[: 24_000 * 2 // 10]) > 0.002
        assert loudness(audio[-24_000 * 2 // 10 :]) < 0.002


async def test_speed_changes_the_length_and_has_limits(models: Models):
    text = "This sentence is spoken at more than one pace."
    slow, normal, fast, too_fast = [
        len(b"".join(await spoken(models, text, speed))) for speed in (0.7, 1.0, 1.5, 100.0)
    ]
    assert slow > normal > fast
    assert too_fast == fast


@pytest.mark.parametrize("text", ["", "   ", "...", "\N{PARTY POPPER}", "***"])
async def test_what_has_no_words_has_no_sound(models: Models, text: str):
    assert await spoken(models, text) == []


async def test_sentences_prepared_are_spoken_without_the_worker(models: Models):
    sentences = ["All right, let us begin.", "Thank you for that."]
    await models.prepare(sentences)
    with suspended(models):
        assert len(await spoken(models, " ".join(sentences))) == 2


async def test_speaking_does_not_wait_behind_hearing(models: Models):
    long = b"".join(speech(text) + silence(0.3) for text in reversed(PLAIN_SENTENCES))
    order = []

    async def hear() -> None:
        await models.transcribe(long)
        order.append("heard")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hear)
        await anyio.wait_all_tasks_blocked()
        await spoken(models, "This is said in between.")
        order.append("spoken")
    assert order == ["spoken", "heard"]


async def test_a_killed_worker_is_replaced_and_its_work_is_done(models: Models):
    before = models.worker_pid
    heard: list[str] = []

    async def hear() -> None:
        heard.append((await models.transcribe(speech("The worker was replaced in between."))).text)

    async with anyio.create_task_group() as tasks:
        with suspended(models):
            tasks.start_soon(hear)
            await anyio.wait_all_tasks_blocked()
            os.kill(models.worker_pid, signal.SIGKILL)
    assert normalised(heard[0]) == "the worker was replaced in between"
    assert models.worker_pid != before


async def test_work_that_kills_the_worker_twice_fails_clearly(models: Models):
    long = b"".join(map(speech, PLAIN_SENTENCES))[: 25 * 32_000]
    failures: list[Unavailable] = []

    async def hear() -> None:
        with pytest.raises(Unavailable, match="failed twice") as caught:
            await models.transcribe(long)
        failures.append(caught.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hear)
        for _ in range(2):
            await anyio.wait_all_tasks_blocked()  # the work is with the worker
            worker = models.worker_pid
            os.kill(worker, signal.SIGKILL)
            await replaced(models, worker)
    assert failures[0].retryable
    assert (await models.transcribe(speech("Yes, I do."))).text


async def replaced(models: Models, worker: int | None) -> None:
    with anyio.fail_after(30):
        while models.worker_pid == worker:  # noqa: ASYNC110  no event for it
            await anyio.sleep(0.005)


async def test_models_that_cannot_be_loaded_are_reported(tmp_path):
    async with open_models(ModelSettings(whisper=tmp_path)) as models:
        with pytest.raises(Unavailable, match="cannot be loaded"):
            await models.ready()
        with pytest.raises(Unavailable, match="cannot be loaded"):
            await models.transcribe(speech("Yes, I do."))


async def test_another_model_is_chosen_by_its_folder(tmp_path):
    folder = tmp_path / "whisper"
    shutil.copytree(bundled_whisper(), folder)
    async with open_models(ModelSettings(whisper=folder, threads=2)) as models:
        await models.ready()
        heard = await models.transcribe(speech("Yes, I do."))
    assert normalised(heard.text) == "yes i do"


async def test_the_worker_is_nice_has_no_secrets_and_ends_with_us(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with open_models() as models:
        await models.ready()
        worker = psutil.Process(models.worker_pid)
        assert worker.nice() == min(psutil.Process().nice() + 10, 19)
        assert "OPENAI_API_KEY" not in worker.environ()
    assert not worker.is_running()


async def test_a_worker_that_hangs_is_replaced(models: Models, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vivavoce.engine.models._TRANSCRIPTION_SECONDS", 1.0)
    before = models.worker_pid
    with suspended(models):
        heard = await models.transcribe(speech("Nothing moved for a while."))
    assert normalised(heard.text) == "nothing moved for a while"
    assert models.worker_pid != before


PARENT = """
import anyio
from vivavoce.engine.models import open_models

async def main():
    async with open_models() as models:
        await models.ready()
        print(models.worker_pid, flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


async def test_the_worker_ends_when_its_engine_is_killed():
    async with await anyio.open_process([sys.executable, "-c", PARENT], stderr=None) as parent:
        assert parent.stdout
        worker = psutil.Process(int(await parent.stdout.receive()))
        parent.kill()
        await parent.wait()
    await anyio.to_thread.run_sync(worker.wait, 5)
    assert not worker.is_running()


@pytest.mark.parametrize("bands", [80, 128])
def test_the_spectrogram_is_that_of_the_reference(bands: int):
    samples = np.frombuffer(speech(PLAIN_SENTENCES[2]), dtype="<i2").astype(np.float32) / 32_768
    padded = np.pad(samples, (0, 8 * 16_000 - samples.size))
    reference = FeatureExtractor(feature_size=bands)(padded, padding=160)[:, : 8 * 100]
    ours = log_mel(samples, seconds=8.0, bands=bands)
    assert ours.shape == (bands, 800)
    assert np.abs(ours - reference)[:, :-2].max() < 1e-3
