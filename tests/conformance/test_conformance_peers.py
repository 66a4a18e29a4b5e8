"""Unmodified frameworks that bring many packages: `make peers` installs and runs them apart."""

from pathlib import Path

import pytest
from bench.hard_cases import make_scene, read_cases
from bench.sounds import RATE
from bench.turns_peer import peer_ends

from support.client_scripts import run_script

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SCRIPTS = ROOT / "tests" / "conformance" / "peers"
QUESTIONS = "Questions:\n1. Which city do you like?\n2. Why did you become a nurse?"

pytestmark = pytest.mark.peers


@pytest.fixture
def run_peer(engine, answer):
    async def run(script):
        command = [PYTHON, SCRIPTS / script]
        told = await run_script(command, engine, SPEECH=answer, INSTRUCTIONS=QUESTIONS)
        assert "error" not in told.facts
        return told.facts

    return run


async def test_openai_agents_for_python_hears_speaks_and_calls_functions(run_peer):
    facts = await run_peer("openai_agents.py")
    answered, greeting = facts["history"][:2]
    assert answered["role"] == "user"
    assert "berlin" in answered["text"].lower()
    assert greeting["role"] == "assistant"
    assert "Which city do you like?" in greeting["text"]
    assert facts["audio"] > 24_000 * 2
    assert facts["called"] == [""]


async def test_the_plugin_of_livekit_hears_and_speaks(run_peer):
    facts = await run_peer("livekit_plugin.py")
    assert "Which city do you like?" in facts["greeting"]
    assert facts["audio"] > 1
    assert "berlin" in facts["heard"].lower()
    assert "Why did you become a nurse?" in facts["reply"]


async def test_the_service_of_pipecat_hears_and_speaks_in_a_pipeline(run_peer):
    """Nothing plays its greeting here, so that it tells the engine that none of it was heard."""
    facts = await run_peer("pipecat_service.py")
    assert "Which city do you like?" in facts["greeting"]
    assert facts["audio"] > 24_000 * 2
    assert "berlin" in facts["heard"].lower()
    assert "Which city do you like?" in facts["reply"]
    assert facts["errors"] == []


async def test_the_turns_of_pipecat_end_in_recorded_sound_and_not_in_silence():
    cases = {case.name: case for case in read_cases()}
    scenes = {name: make_scene(cases[name]) for name in ("silence/01", "closed/03")}
    ends = await peer_ends(scenes, 400)
    assert ends["silence/01"] == []
    (end,) = ends["closed/03"]
    (done,) = scenes["closed/03"].done
    assert done.has(end)
    assert end - done.start > RATE // 5
