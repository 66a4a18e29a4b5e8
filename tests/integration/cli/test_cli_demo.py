"""`viva demo`, from outside."""

import json
import signal
import subprocess

import anyio
import pytest

from support.interview import ANSWER, QUESTION
from support.viva import VIVA, Viva, viva  # noqa: F401  a fixture

pytestmark = pytest.mark.timeout(150)


async def test_a_demo_tells_its_outcome_as_one_object_and_leaves_nothing(viva: Viva):  # noqa: F811
    answers, questions = viva.home / "answers.txt", viva.home / "questions.txt"
    answers.write_text(f"\n{ANSWER}\n", encoding="utf-8")  # a silent answer, then a spoken one
    questions.write_text(f"{QUESTION}\n", encoding="utf-8")
    done = await viva.run(
        "demo", "--json", "--answers", str(answers), "--questions", str(questions)
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") == 1
    outcome = json.loads(done.stdout)
    assert outcome["reason"] == "completed"
    assert outcome["ordered"]
    assert outcome["stored_equals_heard"]
    assert outcome["speakers"] == {"ai": 3, "candidate": 2}, "silence leaves no entry"
    assert outcome["entries"] == 5
    assert outcome["word_error_rate"] <= 0.15
    assert all(value > 0 for value in outcome["ms"].values())
    assert set(outcome["ms"]) == {
        "start",
        "offer_answer",
        "connected",
        "first_audio",
        "voice_to_voice_p50",
    }
    assert outcome["left_running"] == {"processes": 0, "sockets": 0, "calls": 0, "rows": 0}
    await viva.until_nothing_runs()


async def test_an_interrupted_demo_leaves_nothing(viva: Viva):  # noqa: F811
    async with await anyio.open_process(
        [VIVA, "demo"], env=viva.variables, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        seen = b""
        while b"connected" not in seen:
            seen += await process.stdout.receive()
        process.send_signal(signal.SIGINT)
        async for chunk in process.stdout:
            seen += chunk
        assert await process.wait() == 130
    assert b"Interrupted." in seen
    await viva.until_nothing_runs()
