"""How long a candidate waits for a session, when a machine stands ready."""

from collections.abc import Sequence
from time import perf_counter
from uuid import uuid4

import aiohttp

from bench.floors import bare_request, both, raw_commit
from bench.platforms import open_bench
from bench.rounds import alternate
from bench.running import run_engine
from bench.verdicts import Figure, Judged
from vivavoce.protocol.codec import decode
from vivavoce.protocol.interview_start import InterviewStartResponse


async def measure() -> Sequence[Figure]:
    async with (
        run_engine() as engine,
        open_bench(engine.settings) as bench,
        bare_request() as request,
        raw_commit(bench.admin_dsn) as commit,
        aiohttp.ClientSession() as http,  # the same client as the floor's
    ):
        url = f"{bench.platform.url}/functions/v1/interview-start"

        async def start() -> float:
            await bench.until_warm()
            headers = {"authorization": f"Bearer {bench.token}", "idempotency-key": str(uuid4())}
            started = perf_counter()
            async with http.post(url, json={}, headers=headers) as response:
                answer = await response.read()
            seconds = perf_counter() - started
            await bench.end(decode(answer, InterviewStartResponse))
            return seconds

        rounds = await alternate("start", product=start, floor=both(request, commit), rest=0.1)
    return [
        Figure(
            name="start",
            unit="ms",
            judged=Judged.RATIO,
            limit=3,
            rounds=rounds,
            floor_is="one bare request on the same server stack and one committed row",
        )
    ]
