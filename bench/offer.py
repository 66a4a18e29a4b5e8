"""What gateway and machine add to an offer's way to the voice model and back."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

import aiohttp

from bench.bare_answer import bare_answer, open_offer
from bench.platforms import Bench, open_bench
from bench.rounds import Measure, alternate
from bench.running import Engine, run_engine
from bench.verdicts import Figure, Judged
from vivavoce.sessions.interview import DEFAULT_PLAN, call_configuration, instructions


async def measure() -> Sequence[Figure]:
    async with (
        run_engine() as engine,
        open_bench(engine.settings) as bench,
        open_offer() as offer,
        direct_exchange(engine, offer) as direct,
    ):
        through = await alternate(
            "offer", product=proxied_exchange(bench, offer), floor=direct, samples=4, rest=0.1
        )
        alone = await answered_alone(direct, offer)
    return [
        Figure(
            name="offer",
            unit="ms",
            judged=Judged.ADDED,
            limit=5,
            goal=1,
            rounds=through,
            floor_is="the same offer sent to the same voice engine directly",
        ),
        alone,
    ]


async def answered_alone(direct: Measure, offer: str) -> Figure:
    """The engine's answer to an offer beside that of aiortc alone."""
    async with bare_answer(offer) as floor:
        rounds = await alternate("offer-engine", product=direct, floor=floor, rounds=5, rest=0.1)
    return Figure(
        name="offer-engine",
        unit="ms",
        judged=Judged.RATIO,
        limit=1.2,
        rounds=rounds,
        floor_is="the answer of a server with aiortc and nothing else",
    )


def proxied_exchange(bench: Bench, offer: str) -> Measure:
    """An offer through the gateway to a machine that has its session, until the answer is back."""

    async def measure() -> float:
        async with bench.hold() as held:
            return await held.exchange(offer)

    return measure


@asynccontextmanager
async def direct_exchange(engine: Engine, offer: str) -> AsyncGenerator[Measure, None]:
    """The same offer and configuration, posted to the voice engine over a standing connection."""
    configuration = call_configuration(
        instructions=instructions(DEFAULT_PLAN),
        model="gpt-realtime-2.1",
        transcription_model="gpt-transcribe",
        voice="marin",
    )
    calls = f"{engine.base_url}/realtime/calls"
    headers = {"authorization": f"Bearer {engine.api_key}"}
    async with aiohttp.ClientSession(headers=headers) as http:

        async def measure() -> float:
            form = aiohttp.FormData(default_to_multipart=True)
            form.add_field("sdp", offer, content_type="application/sdp")
            form.add_field("session", json.dumps(configuration), content_type="application/json")
            started = perf_counter()
            async with http.post(calls, data=form) as response:
                assert response.status == 201
                await response.read()
            seconds = perf_counter() - started
            call_id = response.headers["location"].rsplit("/", 1)[1]
            async with http.post(f"{calls}/{call_id}/hangup") as hung_up:
                assert hung_up.ok
            return seconds

        yield measure
