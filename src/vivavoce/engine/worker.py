"""The model worker: one process that holds the models and serves one engine over a socket.

    python -m vivavoce.engine.worker SOCKET_FD NICENESS THREADS WHISPER_FOLDER

An empty folder stands for the bundled model.

Hearing and speaking have a thread each, so that a long transcription does not delay a reply. The
process lives as long as the other end of its socket: end of file ends it at once, also in the
middle of a computation.
"""

import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from vivavoce.engine import frames
from vivavoce.engine.frames import Request, Synthesise, Synthesised, Transcribe, Transcribed
from vivavoce.engine.stt import SAMPLE_RATE, Recogniser, bundled_whisper
from vivavoce.engine.tts import Voice

R = TypeVar("R", Transcribe, Synthesise)


class Worker:
    """The socket, and one queue of requests for each model."""

    def __init__(self, connection: socket.socket, *, threads: int, whisper: str) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._threads = threads
        self._whisper = whisper
        self._hear: queue.SimpleQueue[Transcribe] = queue.SimpleQueue()
        self._speak: queue.SimpleQueue[Synthesise] = queue.SimpleQueue()

    def run(self) -> None:
        """Load the models, then serve until the socket closes."""
        began = time.monotonic()
        loaded = threading.Barrier(2, action=lambda: self._say_loaded(began))
        for serve in (
            lambda: self._serve(self._load_ears, self._hear, loaded),
            lambda: self._serve(self._load_voice, self._speak, loaded),
        ):
            threading.Thread(target=serve, daemon=True).start()
        with self._connection.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                match request:
                    case Transcribe():
                        self._hear.put(request)
                    case Synthesise():
                        self._speak.put(request)

    def _serve(
        self,
        load: Callable[[], Callable[[R], frames.Reply]],
        requests: "queue.SimpleQueue[R]",
        loaded: threading.Barrier,
    ) -> None:
        try:
            answer = load()
        except Exception as error:  # noqa: BLE001  whatever a model library raises ends the worker
            self._send(frames.LoadFailed(f"{type(error).__name__}: {error}"))
            os._exit(1)
        loaded.wait()
        while True:
            request = requests.get()
            try:
                reply = answer(request)
            except Exception as error:  # noqa: BLE001  a bad request fails alone
                reply = frames.Failed(request.id, type(error).__name__)
            self._send(reply)

    def _load_ears(self) -> Callable[[Transcribe], frames.Reply]:
        whisper = Path(self._whisper) if self._whisper else bundled_whisper()
        recogniser = Recogniser(whisper, threads=self._threads)
        recogniser.hear(b"\x00\x10\x00\xf0" * (SAMPLE_RATE // 2))  # the first run is slow

        def answer(request: Transcribe) -> frames.Reply:
            heard = recogniser.hear(request.pcm, prompt=request.prompt)
            return Transcribed(
                request.id,
                heard.text,
                heard.no_speech_probability,
                heard.average_log_probability,
                heard.asks_for_time,
                heard.tokens,
            )

        return answer

    def _load_voice(self) -> Callable[[Synthesise], frames.Reply]:
        voice = Voice(threads=self._threads)
        voice.speak("Hello.")

        def answer(request: Synthesise) -> frames.Reply:
            return Synthesised(request.id, voice.speak(request.text, speed=request.speed))

        return answer

    def _say_loaded(self, began: float) -> None:
        self._send(frames.Loaded(time.monotonic() - began))

    def _send(self, reply: frames.Reply) -> None:
        try:
            with self._sending:
                self._connection.sendall(frames.encode(reply))
        except OSError:  # the engine is gone, and so is our reason to live
            os._exit(0)


def _read(stream: BinaryIO) -> Request | None:
    header = stream.read(frames.HEADER_BYTES)
    if len(header) < frames.HEADER_BYTES:
        return None
    length = frames.body_length(header)
    body = stream.read(length)
    return frames.decode_request(body) if len(body) == length else None


def main(arguments: list[str]) -> None:
    """Serve the engine at the other end of an inherited socket, below its priority."""
    descriptor, niceness, threads, whisper = arguments
    os.nice(int(niceness))
    connection = socket.socket(fileno=int(descriptor))
    Worker(connection, threads=int(threads), whisper=whisper).run()
    os._exit(0)  # do not wait for a computation that nobody will read


if __name__ == "__main__":
    main(sys.argv[1:])
