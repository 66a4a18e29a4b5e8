"""How long what was said stands on thin air: from the model's event to the commit's receipt."""

from collections.abc import Sequence
from typing import Final

import anyio

from bench.bare_answer import open_offer
from bench.floors import LINE, raw_commit
from bench.platforms import Bench, open_bench
from bench.rounds import Measure, Round, alternate
from bench.running import free_port
from bench.scripted_call import Call, Script
from bench.tap import Tap, tap
from bench.verdicts import Figure, Judged
from bench.voice_model import VoiceModel, open_voice_model

MARK: Final = "durable"
REST_SECONDS: Final = 0.3
ANSWER_SECONDS: Final = 10.0


async def measure() -> Sequence[Figure]:
    port = free_port()
    async with open_voice_model() as model, tap(port) as tapped:
        settings = {**model.settings, "VIVA_CONTROL_URL": tapped.url}
        async with open_bench(settings, port=port) as bench, raw_commit(bench.admin_dsn) as commit:
            rounds = await measure_on(bench, model, tapped, commit)
    return [
        Figure(
            name="durable",
            unit="ms",
            judged=Judged.RATIO,
            limit=4,
            goal=2.5,
            rounds=rounds,
            floor_is="one committed row on the same Postgres",
        )
    ]


async def measure_on(
    bench: Bench, model: VoiceModel, tapped: Tap, commit: Measure
) -> Sequence[Round]:
    """Hold a session whose call says what we want, when we want it."""
    model.scripts.append(Script(MARK, [], seconds_per_line=0))
    async with open_offer() as offer, bench.hold(f"Interview of {MARK}.") as held:
        await held.exchange(offer)
        (call,) = model.calls.values()
        return await alternate(
            "durable", product=event_to_receipt(call, tapped), floor=commit, rest=REST_SECONDS
        )


def event_to_receipt(call: Call, tapped: Tap) -> Measure:
    """From the text of a candidate's turn leaving the voice model to the API's acknowledgement.

    Each turn is heard at the end of the sample before, so that only its text is on its way.
    """
    heard: list[str] = []

    async def measure() -> float:
        item_id = heard.pop() if heard else await call.listen()
        await call.transcribe(item_id, LINE)
        left_at = call.left_at
        with anyio.fail_after(ANSWER_SECONDS):
            acknowledged = await tapped.acknowledged.receive()
        heard.append(await call.listen())
        return acknowledged - left_at

    return measure
