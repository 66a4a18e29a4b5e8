"""Pipecat's OpenAI realtime service in a pipeline: a greeting, an answer, the next question."""

import asyncio
import json
import os
import pathlib

from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.realtime.events import (
    AudioConfiguration,
    AudioInput,
    InputAudioTranscription,
    SemanticTurnDetection,
    SessionProperties,
)
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService

RATE = 24_000
ANSWER = pathlib.Path(os.environ["SPEECH"]).read_bytes() + bytes(24_000 * 2 * 3)


class Watcher(FrameProcessor):
    """Keeps what comes out of the service; says when a reply is over."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.audio = 0
        self.replies: asyncio.Queue[str] = asyncio.Queue()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            self.text.append(frame.text)
        elif isinstance(frame, TTSAudioRawFrame):
            self.audio += len(frame.audio)
        elif isinstance(frame, LLMFullResponseEndFrame):
            self.replies.put_nowait("".join(self.text))
            self.text.clear()
        await self.push_frame(frame, direction)


class Ears(FrameProcessor):
    """Keeps what the service sends the other way: what it heard, and its errors."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.errors: list[str] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self.heard.put_nowait(frame.text)
        elif isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        await self.push_frame(frame, direction)


async def main() -> None:
    service = OpenAIRealtimeLLMService(
        api_key=os.environ["ENGINE_KEY"],
        base_url=os.environ["ENGINE_URL"].replace("http", "ws") + "/v1/realtime",
        settings=OpenAIRealtimeLLMService.Settings(
            model="gpt-realtime-2.1",
            session_properties=SessionProperties(
                instructions=os.environ["INSTRUCTIONS"],
                audio=AudioConfiguration(
                    input=AudioInput(
                        transcription=InputAudioTranscription(),
                        turn_detection=SemanticTurnDetection(eagerness="high"),
                    )
                ),
            ),
        ),
    )
    ears, watcher = Ears(), Watcher()
    task = PipelineTask(
        Pipeline([ears, service, watcher]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
    )
    running = asyncio.create_task(PipelineRunner(handle_sigint=False).run(task))
    await task.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": "Hello."}])))
    print(json.dumps({"greeting": await watcher.replies.get(), "audio": watcher.audio}))
    for start in range(0, len(ANSWER), RATE // 5):
        piece = ANSWER[start : start + RATE // 5]
        await task.queue_frame(InputAudioRawFrame(piece, RATE, 1))
        await asyncio.sleep(0.02)
    reply = await watcher.replies.get()
    heard = await ears.heard.get()
    print(json.dumps({"heard": heard, "reply": reply, "errors": ears.errors}))
    await task.queue_frame(EndFrame())
    await running
    print(json.dumps({"done": True}))


asyncio.run(asyncio.wait_for(main(), 60))
