"""The whole platform for tests, and interviews on it that are spoken for real."""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
import anyio
import anyio.to_thread
import asyncpg
import psutil
import pytest

from support.postgres import open_home
from vivavoce.api.transcript_formats import Transcript
from vivavoce.cli.access import local_token
from vivavoce.cli.candidate import LAST_WORD, Candidate, prepare_answers
from vivavoce.cli.demo import INTRODUCTION
from vivavoce.cli.stack import Stack, free_port
from vivavoce.cli.up import open_platform
from vivavoce.client import InterviewClient, SavedSession, open_edge
from vivavoce.protocol.interview_start import OpenAIVoiceConfig, SessionConfig
from vivavoce.protocol.transcript import TranscriptEntry
from vivavoce.sessions.interview import Plan, instructions, plan_of
from vivavoce.settings import ServerSettings, load

QUESTION = "Could you tell me about yourself and the work you do?"
ANSWER = "My name is Robin, and I have repaired bicycles in a small shop since I left school."
QUICKLY = 1.5
"""The speed of interviewers where nobody judges how they sound."""


@dataclass(frozen=True)
class Platform:
    """A running platform."""

    settings: ServerSettings
    stack: Stack

    @property
    def url(self) -> str:
        return self.stack.url

    def token(self) -> str:
        return local_token(self.settings)

    def client(
        self,
        *,
        audio: Candidate | None = None,
        questions: Sequence[str] = (QUESTION,),
        architecture: str = "hybrid",
        resume: SavedSession | None = None,
        speed: float | None = QUICKLY,
    ) -> InterviewClient:
        """A client that is not connected yet; the interviewer speaks at `speed`."""
        plan = Plan(plan_of(questions).questions, introduction=INTRODUCTION)
        return InterviewClient(
            self.url,
            token=self.token(),
            architecture=architecture,
            audio=audio,
            session_config=SessionConfig(
                instructions=instructions(plan), voice_config=OpenAIVoiceConfig(speed=speed)
            ),
            resume=resume,
        )

    async def stored(self, session_id: str) -> list[TranscriptEntry]:
        """What the API says was said."""
        async with open_edge(self.url, self.token()) as edge:
            path = f"/v1/sessions/{session_id}/transcript"
            return (await edge.read(path, Transcript)).entries

    async def hang_up(self, call_id: str) -> None:
        """End a call at the engine, as if it had been lost."""
        engine = psutil.Process(self.stack.children["engine"].pid).environ()
        url = f"http://127.0.0.1:{engine['VIVA_ENGINE_PORT']}/v1/realtime/calls/{call_id}/hangup"
        headers = {"authorization": f"Bearer {engine['VIVA_ENGINE_API_KEY']}"}
        async with aiohttp.ClientSession() as http, http.post(url, headers=headers) as response:
            assert response.status == 200, response.status

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the database as its owner."""
        connection = await asyncpg.connect(self.stack.database.admin_dsn)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def until_settled(self, session_id: str) -> str:
        """Wait until nothing of a session is left to do; give how it ended."""
        found: dict[str, object] = {}
        with anyio.move_on_after(30):
            while True:
                (row,) = await self.fetch(_LEFT_OF_SESSION, session_id)
                found = dict(row)
                if found["status"] in ("ended", "failed") and not any(
                    found[kind] for kind in ("machines", "jobs", "calls")
                ):
                    return str(found["end_reason"])
                await anyio.sleep(0.05)
        raise AssertionError(f"the session is not settled: {found}")


_LEFT_OF_SESSION = """
select status, end_reason,
  (select count(*) from machines where session_id = $1
    and state not in ('gone', 'failed', 'lost')) as machines,
  (select count(*) from cleanup_jobs where session_id = $1 and done_at is null) as jobs,
  (select count(*) from session_calls where session_id = $1
    and hung_up_at is null and ended_at is null) as calls
from interview_sessions where id = $1
"""


@pytest.fixture(scope="session")
async def platform() -> AsyncGenerator[Platform, None]:
    """One platform for all tests."""
    async with open_test_platform() as opened:
        yield opened


@asynccontextmanager
async def open_test_platform(**variables: str) -> AsyncGenerator[Platform, None]:
    """Postgres, engine, API, machines, with these settings; nothing of it may stay."""
    with pytest.MonkeyPatch.context() as patch, open_home() as home:
        for name in [name for name in os.environ if name.startswith(("VIVA_", "OPENAI_"))]:
            patch.delenv(name)
        patch.setenv("VIVA_HOME", str(home))
        for name, value in variables.items():
            patch.setenv(name, value)
        settings = load(ServerSettings, port=free_port())
        async with open_platform(settings, on_progress=lambda _: None) as stack:
            # The tests share this process: what others start from here on is not of this home.
            patch.undo()
            yield Platform(settings, stack)
            processes = psutil.Process().children(recursive=True)
        # The kernel kills machines that nobody claimed as their parent ends, which takes a moment.
        ours = [process for process in processes if str(home) in _words(process)]
        _, left = await anyio.to_thread.run_sync(partial(psutil.wait_procs, ours, timeout=5))
        assert [_words(process) for process in left] == []


def _words(process: psutil.Process) -> str:
    try:
        return " ".join([*process.cmdline(), process.environ().get("VIVA_HOME", "")])
    except psutil.Error:
        return ""


async def make_candidate(*answers: str) -> Candidate:
    """A candidate who gives these answers."""
    spoken = await prepare_answers([*answers, LAST_WORD])
    return Candidate(spoken[:-1], spoken[-1])


async def attend(call: InterviewClient, candidate: Candidate) -> None:
    """Let the candidate listen until the interview is over."""
    async for event in call.events():
        candidate.hear(event)


def words(entries: Sequence[TranscriptEntry]) -> list[tuple[str, str, str]]:
    """What is compared of transcripts."""
    return [(entry.item_id, entry.speaker.value, entry.content) for entry in entries]


def greetings(entries: Sequence[TranscriptEntry]) -> int:
    """How often the interviewer introduced itself."""
    return sum("I'm an AI" in entry.content for entry in entries)
