"""The check finds each fault of an engine, and nothing else."""

from dataclasses import replace

import anyio
import anyio.to_thread
import pytest

from vivavoce.check import Limits, Target, Verdict, run_check
from vivavoce.check.turn_lines import synthesise
from vivavoce.engine.app import run_engine
from vivavoce.engine.faults import EFFECTS, Fault
from vivavoce.engine.models import open_models
from vivavoce.settings import EngineSettings

KEY = "a-key-of-this-test"
PATIENT = Limits(answer=15, connect=15, sideband=15, event=15, transcript=20, leave=20)
# A fault that consists in waiting is found by who does not wait long.
VALUES = {
    Fault.SLOW_ANSWER: "=60",
    Fault.SLOW_MEDIA: "=60",
    Fault.LATE_TRANSCRIPTS: "=60",
    Fault.DYING_CALLS: "=0.5",
}
LIMITS = {
    Fault.HANG_CALLS: {"answer": 1.0},
    Fault.SLOW_ANSWER: {"answer": 1.0},
    Fault.SLOW_MEDIA: {"connect": 2.0},
    Fault.SIDEBAND_404: {"sideband": 0.5},
    Fault.LOST_UPDATES: {"event": 5.0},
    Fault.LATE_TRANSCRIPTS: {"transcript": 3.0},
    Fault.LOST_TRANSCRIPTS: {"transcript": 3.0},
    Fault.UNNOTICED_LEAVING: {"leave": 2.0},
}
SPOKEN = (
    Fault.NO_TRANSCRIPT_KEY,
    Fault.LATE_TRANSCRIPTS,
    Fault.LOST_TRANSCRIPTS,
    Fault.FAILED_TRANSCRIPTS,
    Fault.UNNOTICED_LEAVING,
    None,
)
AT_ONCE = 4


@pytest.fixture(scope="module")
async def reports():
    """A report for each fault, and one for an engine that has none."""
    found = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)
    speech = await anyio.to_thread.run_sync(synthesise)

    async def check(fault, models):
        limits = replace(PATIENT, **LIMITS.get(fault, {}))
        faults = (f"{fault}{VALUES.get(fault, '')}",) if fault else ()
        settings = EngineSettings(
            engine_api_key=KEY,
            engine_port=0,
            engine_faults=faults,
            engine_shutdown_seconds=0,
            engine_max_queue_seconds=60,  # they share two processors with other tests
        )
        async with limiter, anyio.create_task_group() as tasks:

            async def run(*, task_status):
                await run_engine(settings, models=models, task_status=task_status)

            target = Target(await tasks.start(run), KEY)
            said = speech if fault in SPOKEN else None
            found[fault] = await run_check(
                target, limits=limits, speech=said, with_speech=said is not None
            )
            tasks.cancel_scope.cancel()

    async with open_models() as models, anyio.create_task_group() as checks:
        await models.ready()
        for fault in (*SPOKEN, *(fault for fault in Fault if fault not in SPOKEN)):
            checks.start_soon(check, fault, models)
    return found


def results_of(report, verdict):
    return {result.line.name: result.why for result in report.results if result.verdict is verdict}


@pytest.mark.timeout(180)
async def test_an_engine_without_faults_is_green_in_every_line(reports):
    report = reports[None]
    assert results_of(report, Verdict.RED) == {}
    assert results_of(report, Verdict.SKIPPED) == {}
    assert report.holds


@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", Fault)
async def test_a_fault_turns_exactly_its_own_line_red(reports, fault):
    report = reports[fault]
    red = results_of(report, Verdict.RED)
    assert set(red) == {EFFECTS[fault].breaks}, red
    assert not report.holds
