"""`viva demo`: a whole spoken interview, with a candidate whose voice is synthesised."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import anyio

from vivavoce.api.transcript_formats import Transcript
from vivavoce.cli.access import local_token
from vivavoce.cli.candidate import LAST_WORD, Candidate, prepare_answers
from vivavoce.cli.home import Running, hold_home, running
from vivavoce.cli.outcome import Interview, Outcome, judge
from vivavoce.cli.remains import Rows, count_remains, count_rows, our_processes
from vivavoce.cli.screen import Screen
from vivavoce.cli.stack import Progress, free_port, open_api, open_database, open_engine
from vivavoce.client import Edge, Ending, InterviewClient, open_edge
from vivavoce.errors import Unavailable
from vivavoce.protocol.interview_start import Architecture, CandidateInfo, SessionConfig
from vivavoce.protocol.sessions import SessionView
from vivavoce.sessions.interview import Plan, instructions, plan_of
from vivavoce.sessions.lifecycle import OVER
from vivavoce.settings import ServerSettings, load
from vivavoce.store.embedded import attach_postgres

QUESTIONS: Final = (
    "Could you tell me about yourself and the work you do?",
    "What is a project that you are proud of, and what was your part in it?",
    "What would you like to learn or do next?",
)
ANSWERS: Final = (
    "My name is Alex, and I have worked as a software developer since I finished my studies.",
    "Last year I rebuilt our booking service, and I wrote most of the code and the tests myself.",
    "I would like to learn more about voice systems, because I enjoy making them easy to use.",
)
INTRODUCTION: Final = (
    "This is a demonstration. After the last question, ask whether the candidate has anything to"
    " add."
)
LIMIT_SECONDS: Final = 120.0
LIMIT_SECONDS_PER_ANSWER: Final = 60.0
END_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Script:
    """What is asked and answered. A blank answer is a silent one."""

    questions: Sequence[str] = QUESTIONS
    answers: Sequence[str] = ANSWERS
    architecture: Architecture = "hybrid"

    @property
    def plan(self) -> Plan:
        """The interview's plan."""
        return Plan(plan_of(self.questions).questions, introduction=INTRODUCTION)


async def run_demo(script: Script, screen: Screen | None, *, on_progress: Progress) -> Outcome:
    """Hold the interview on the platform that runs from this home, or on one started for it.

    Args:
        script: What is asked and answered.
        screen: Shows it; None shows nothing.
        on_progress: Told in words what takes long.

    Raises:
        StackFailed: If the platform cannot be started.
        WebRTCConnectionError: If the interview cannot be held.
        VivavoceError: If its outcome cannot be read.
    """
    on_progress("Speaking the candidate's answers…")
    answers = await prepare_answers([*script.answers, LAST_WORD])
    candidate = Candidate(answers[:-1], answers[-1])
    settings = load(ServerSettings)
    place = running(settings.home)
    if place is not None:
        on_progress("")
        return await _hold_there(place, settings, script, candidate, screen)
    settings = load(
        ServerSettings, port=free_port(), host="127.0.0.1", public_url=None, control_url=None
    )
    with hold_home(settings.home):
        async with (
            open_engine(settings) as engine,
            open_database(settings, on_progress=on_progress) as database,
        ):
            async with open_api(settings, database, engine, on_progress=on_progress) as stack:
                on_progress("")
                interview = await hold(stack.url, settings, script, candidate, screen)
                processes = our_processes()
                on_progress("Stopping…")
            rows = await count_rows(database.admin_dsn)
    return judge(interview, count_remains(processes, rows))


async def _hold_there(
    place: Running,
    settings: ServerSettings,
    script: Script,
    candidate: Candidate,
    screen: Screen | None,
) -> Outcome:
    """Hold the interview on a platform that others run: only what is the interview's is counted."""
    interview = await hold(place.url, settings, script, candidate, screen)
    admin_dsn = await _admin_dsn(settings)
    await poll(lambda: _has_no_rows(admin_dsn, interview.session_id))
    rows = await count_rows(admin_dsn, interview.session_id)
    return judge(interview, count_remains([], rows))


async def _has_no_rows(admin_dsn: str, session_id: str) -> bool:
    return await count_rows(admin_dsn, session_id) == Rows(0, 0)


async def _admin_dsn(settings: ServerSettings) -> str:
    if settings.database_url is not None:
        return (settings.database_admin_url or settings.database_url).get_secret_value()
    postgres = await attach_postgres(settings.home)
    if postgres is None:
        raise Unavailable(f"The database in {settings.home} does not answer.")
    return postgres.admin_dsn


async def hold(
    url: str,
    settings: ServerSettings,
    script: Script,
    candidate: Candidate,
    screen: Screen | None,
) -> Interview:
    """Hold one interview and read what was stored of it."""
    client = InterviewClient(
        url,
        token=local_token(settings),
        architecture=script.architecture,
        audio=candidate,
        session_config=SessionConfig(instructions=instructions(script.plan)),
        candidate=CandidateInfo(name="Alex Demo"),
    )
    if screen is not None:
        client.observe(screen.take_state)
    ending: Ending | None = None
    with screen.shown() if screen else nullcontext():
        async with client as call, anyio.create_task_group() as tasks:
            tasks.start_soon(_attend, call, candidate)
            if screen is not None:
                tasks.start_soon(_show, call, screen)
            with anyio.move_on_after(
                LIMIT_SECONDS + LIMIT_SECONDS_PER_ANSWER * len(script.answers)
            ):
                ending = await call.ended()
            tasks.cancel_scope.cancel()
    async with open_edge(url, local_token(settings)) as edge:
        await poll(lambda: _is_over(edge, client.session_id))
        path = f"/v1/sessions/{client.session_id}/transcript"
        stored = await edge.read(path, Transcript)
    return Interview(
        session_id=client.session_id,
        reason=ending.reason if ending else None,
        stored=stored.entries,
        heard=client.heard(),
        said=candidate.said,
        state=client.state,
        reply_seconds=client.reply_seconds,
    )


async def _attend(call: InterviewClient, candidate: Candidate) -> None:
    async for event in call.events():
        candidate.hear(event)


async def _show(call: InterviewClient, screen: Screen) -> None:
    async for entry in call.entries():
        screen.take_entry(entry)


async def _is_over(edge: Edge, session_id: str) -> bool:
    return (await edge.read(f"/v1/sessions/{session_id}", SessionView)).status in OVER


async def poll(is_done: Callable[[], Awaitable[bool]]) -> None:
    """Ask until something is done, at most `END_SECONDS`: nothing tells a bystander."""
    with anyio.move_on_after(END_SECONDS):
        while not await is_done():  # noqa: ASYNC110  see above
            await anyio.sleep(_POLL_SECONDS)
