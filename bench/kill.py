"""Interviews in which something is killed: real API, machines, Postgres, client and WebRTC.

Only the voice model follows a script, so that an interview takes seconds and every word is known.
"""

import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from time import monotonic
from types import MappingProxyType
from typing import Final
from uuid import uuid4

import anyio
import asyncpg
import psutil

from bench.history import Entry, check
from bench.observer import Observer, observe
from bench.outcomes import Outcome
from bench.running import Platform, free_port, run_platform, temporary_home
from bench.scripted_call import Script, interview_script
from bench.voice_model import VoiceModel, open_voice_model
from vivavoce.client import Ending, InterviewClient, WebRTCConnectionError
from vivavoce.protocol.interview_start import SessionConfig
from vivavoce.store.embedded import attach_postgres

TURNS: Final = 6
SECONDS_PER_LINE: Final = 0.25
INTERVIEW_SECONDS: Final = 60.0
CLEANUP_SECONDS: Final = 15.0
DATABASE_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Stage:
    """A platform whose machines report through the observer and call the scripted voice model."""

    platform: Platform
    model: VoiceModel
    observer: Observer
    token: str

    def new_script(
        self, *, turns: int = TURNS, seconds_per_line: float = SECONDS_PER_LINE
    ) -> Script:
        """Lines for one interview, unlike any other's."""
        mark = f"interview-{uuid4().hex[:12]}"
        script = Script(mark, interview_script(turns, mark=mark), seconds_per_line)
        self.model.scripts.append(script)
        return script

    def candidate(self, script: Script) -> InterviewClient:
        """A candidate whose interview follows the script."""
        config = SessionConfig(instructions=f"This is {script.mark}.")
        return InterviewClient(self.platform.url, token=self.token, session_config=config)

    async def session_of(self, script: Script) -> str:
        """The id of the session that follows the script."""
        async with self.database() as database:
            found: str = await database.fetchval(
                "select id::text from interview_sessions where config::text like $1",
                f"%{script.mark}%",
            )
        return found

    @asynccontextmanager
    async def database(self) -> AsyncGenerator[asyncpg.Connection, None]:
        """A connection of its own, as the database's owner: the database may just have died."""
        with anyio.fail_after(DATABASE_SECONDS):
            while (postgres := await attach_postgres(self.platform.home)) is None:  # noqa: ASYNC110
                await anyio.sleep(_POLL_SECONDS)
            connection = await asyncpg.connect(postgres.admin_dsn)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def open_stage() -> AsyncGenerator[Stage, None]:
    """Set the stage for any number of interviews."""
    port = free_port()
    with temporary_home() as home:
        async with open_voice_model() as model, observe(f"http://127.0.0.1:{port}") as observer:
            settings = {**model.settings, "VIVA_CONTROL_URL": observer.url}
            async with run_platform(home, settings, port=port) as platform:
                yield Stage(platform, model, observer, await platform.viva("token"))


# What can be killed.


async def kill_proxy(stage: Stage, session_id: str) -> bool:
    """Kill the process of the session's machine."""
    async with stage.database() as database:
        pid = await database.fetchval(
            "select (endpoint->>'pid')::int from machines"
            " where session_id = $1 and gone_at is null order by created_at desc limit 1",
            session_id,
        )
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


async def kill_api(stage: Stage, session_id: str) -> bool:
    """Kill the control plane; its supervisor starts another."""
    del session_id
    stage.platform.process("vivavoce.cli.main api").kill()
    return True


async def kill_postgres(stage: Stage, session_id: str) -> bool:
    """Kill the database server; its supervisor starts another."""
    del session_id
    postgres = await attach_postgres(stage.platform.home)
    assert postgres is not None
    pid = postgres.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return True


Kill = Callable[[Stage, str], Awaitable[bool]]
"""False if the interview was over before."""
TARGETS: Final[Mapping[str, Kill]] = MappingProxyType(
    {"proxy": kill_proxy, "api": kill_api, "postgres": kill_postgres}
)


async def kill_round(stage: Stage, target: str, random: Random) -> Outcome:
    """Hold one interview, kill `target` at a random instant of it, and see what came of it.

    An interview that is over before it can be harmed does not count: another one is held.
    """
    while (outcome := await _kill_once(stage, target, random)) is None:
        pass
    return outcome


async def _kill_once(stage: Stage, target: str, random: Random) -> Outcome | None:
    script = stage.new_script()
    delay = random.uniform(0, len(script.lines) * script.seconds_per_line)
    began = monotonic()
    ending = None
    with anyio.move_on_after(INTERVIEW_SECONDS), suppress(WebRTCConnectionError):
        async with stage.candidate(script) as client:
            await script.begun.wait()
            await anyio.sleep(delay)
            if not await TARGETS[target](stage, client.session_id):
                return None
            ending = await client.ended()
    return await judge(
        stage, script, ending, target=target, killed_after=delay, seconds=monotonic() - began
    )


async def judge(
    stage: Stage,
    script: Script,
    ending: Ending | None,
    *,
    target: str,
    killed_after: float = 0.0,
    seconds: float = 0.0,
) -> Outcome:
    """Compare what was said, acknowledged and stored, and look for what was left behind."""
    session_id = await stage.session_of(script)
    left = await left_of(stage, session_id, script)
    acknowledged = stage.observer.acknowledged.pop(session_id, [])
    stored = await stored_entries(stage, session_id)
    return Outcome(
        target=target,
        killed_after=killed_after,
        acknowledged=len(acknowledged),
        findings=check(acknowledged=acknowledged, stored=stored, said=script.said),
        finished=ending is not None and await _is_complete(stage, session_id),
        left_running=left,
        seconds=seconds,
    )


async def _is_complete(stage: Stage, session_id: str) -> bool:
    """Whether the session ended as the interviewer wanted, with the whole transcript."""
    async with stage.database() as database:
        return bool(
            await database.fetchval(
                "select status = 'ended' and end_reason = 'completed' and transcript_complete"
                " from interview_sessions where id = $1",
                session_id,
            )
        )


async def stored_entries(stage: Stage, session_id: str) -> list[Entry]:
    """The transcript as the database holds it, in its order."""
    async with stage.database() as database:
        rows = await database.fetch(
            "select item_id, revision, content from transcript_entries"
            " where session_id = $1 order by position",
            session_id,
        )
    return [Entry(**row) for row in rows]


async def left_of(stage: Stage, session_id: str, script: Script) -> tuple[str, ...]:
    """What an interview left behind, once there was time to clean up."""
    left: tuple[str, ...] = ()
    with anyio.move_on_after(CLEANUP_SECONDS):
        while left := await _left_now(stage, session_id, script):  # noqa: ASYNC110
            await anyio.sleep(_POLL_SECONDS)
    return left


async def _left_now(stage: Stage, session_id: str, script: Script) -> tuple[str, ...]:
    async with stage.database() as database:
        machines = await database.fetch(
            "select id, state, (endpoint->>'pid')::int as pid, gone_at from machines"
            " where session_id = $1",
            session_id,
        )
        status = await database.fetchval(
            "select status from interview_sessions where id = $1", session_id
        )
    calls = [f"call {call.call_id}" for call in script.calls if not call.hung_up.is_set()]
    rows = [f"machine {row['id']} {row['state']}" for row in machines if row["gone_at"] is None]
    processes = [f"process {row['pid']}" for row in machines if _lives(row["pid"])]
    sessions = [] if status == "ended" else [f"session {session_id} {status}"]
    return (*calls, *rows, *processes, *sessions)


def _lives(pid: int | None) -> bool:
    return pid is not None and psutil.pid_exists(pid)
