"""Where Pipecat's defaults end turns in recorded sound; run with the packages of `make peers`.

Silero and smart-turn v3 as `LLMContextAggregatorPair` has them by default. Time is the audio: the
model takes none of it. The default strategy waits for a transcription once the model says that a
turn is over; who speaks again before it is there has not been cut off.

Argument: the milliseconds that a transcription takes.
Standard input: a name and a path to 16-bit samples at 16 kHz (`.npy`) a line, with a tab between.
Standard output: one JSON object, the milliseconds at which turns end by name.
"""

import asyncio
import json
import sys
from types import SimpleNamespace

import numpy as np
from loguru import logger
from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.turn.smart_turn import base_smart_turn
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADState

RATE = 16_000
PIECE_MS = 20


async def turn_ends(samples: np.ndarray, transcription_ms: int) -> list[int]:
    """Hear a recording, and give the milliseconds at which turns end in it."""
    detector, model = SileroVADAnalyzer(sample_rate=RATE), LocalSmartTurnAnalyzerV3()
    detector.set_sample_rate(RATE)
    model.set_sample_rate(RATE)
    model.update_vad_start_secs(detector.params.start_secs)
    ends, is_turn, is_speaking, over_at = [], False, False, None
    size = RATE * PIECE_MS // 1000
    for start in range(0, samples.size - size, size):
        now = (start + size) * 1000 // RATE
        _clock.now = now / 1000
        piece = samples[start : start + size].tobytes()
        state = await detector.analyze_audio(piece)
        if state is VADState.SPEAKING and not is_speaking:
            is_turn = is_speaking = True
            over_at = None
        elif state is VADState.QUIET and is_speaking:
            is_speaking = False
            if (await model.analyze_end_of_turn())[0] is EndOfTurnState.COMPLETE:
                over_at = now + transcription_ms
        if model.append_audio(piece, is_speaking) is EndOfTurnState.COMPLETE:
            over_at = now
        if is_turn and over_at is not None and over_at <= now:
            ends.append(now)
            is_turn, over_at = False, None
            model.clear()
    await detector.cleanup()
    await model.cleanup()
    return ends


class _Clock:
    """The model cuts its audio by the time at which it came."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


_clock = _Clock()


async def main(transcription_ms: int) -> None:
    """Hear all recordings."""
    found = {}
    for line in sys.stdin:
        name, _, path = line.rstrip("\n").partition("\t")
        found[name] = await turn_ends(np.load(path), transcription_ms)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    logger.remove()
    base_smart_turn.time = SimpleNamespace(monotonic=_clock, perf_counter=_clock)
    asyncio.run(main(int(sys.argv[1])))
