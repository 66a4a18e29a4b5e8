"""The voice engine as a program: models, calls and HTTP in one task group."""

import logging
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskStatus
from uvloop import new_event_loop

from vivavoce.engine.call import Ending
from vivavoce.engine.calls import Calls
from vivavoce.engine.chat import ChatEndpoint, open_chat
from vivavoce.engine.faults import Faults, parse_faults
from vivavoce.engine.heap import settle
from vivavoce.engine.http import make_app
from vivavoce.engine.interviewer import stock_sentences
from vivavoce.engine.interviewer_wording import Wording
from vivavoce.engine.metrics import Metrics
from vivavoce.engine.models import Models, ModelSettings, open_models
from vivavoce.engine.server import listen, make_server
from vivavoce.errors import Unavailable
from vivavoce.settings import EngineSettings, SettingsError, load

_log: Final = logging.getLogger(__name__)
_GOODBYE_SECONDS: Final = 3.0


async def run_engine(
    settings: EngineSettings,
    *,
    models: Models | None = None,
    draining: anyio.Event | None = None,
    task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Run the engine until it is cancelled or drained; then end its calls properly.

    Calls may be opened at once; the models load meanwhile, in about 1.5 s (`/readyz`).

    Args:
        settings: Where and how to serve.
        models: Shared with other engines of this process; None loads its own.
        draining: Set it to take no more calls, and to end when those that live have ended or
            `engine_drain_seconds` are over.
        task_status: Started with the URL, such as `http://127.0.0.1:8100`, once it listens:
            `url = await tasks.start(run_engine, settings)`.

    Raises:
        OSError: If the address cannot be had.
        SettingsError: If there is no API key, no such fault, or no model for the chat endpoint.
        Unavailable: If the speech models cannot be loaded.
    """
    if settings.engine_api_key is None:
        raise SettingsError("VIVA_ENGINE_API_KEY is not set; `openssl rand -hex 24` makes one.")
    if settings.llm_base_url is not None and settings.llm_model is None:
        raise SettingsError("VIVA_LLM_MODEL is not set; VIVA_LLM_BASE_URL needs a model's name.")
    try:
        faults = parse_faults(settings.engine_faults)
    except ValueError as error:
        raise SettingsError(f"VIVA_ENGINE_FAULTS: {error}.") from None
    if faults:
        _log.warning("faults are made on purpose: %s", faults)
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        run = partial(_run, settings, faults, models, draining or anyio.Event(), stop)
        url = await tasks.start(run)
        task_status.started(url)
        try:
            await stop.wait()
        finally:
            stop.set()


async def _run(
    settings: EngineSettings,
    faults: Faults,
    shared: Models | None,
    draining: anyio.Event,
    stop: anyio.Event,
    *,
    task_status: TaskStatus[str],
) -> None:
    wanted = ModelSettings(whisper=settings.engine_whisper, threads=settings.engine_model_threads)
    metrics = Metrics()
    with (
        anyio.CancelScope(shield=True),
        listen(settings.engine_host, settings.engine_port) as listener,
    ):
        async with (
            nullcontext(shared) if shared else open_models(wanted) as models,
            _open_wording(settings, metrics) as wording,
            anyio.create_task_group() as tasks,
        ):
            metrics.follow(models)
            calls = Calls(settings, models, tasks, metrics, faults, wording=wording)
            app = make_app(settings, calls, models, metrics, faults)
            server = make_server(
                app,
                shutdown_seconds=settings.engine_shutdown_seconds,
                max_connections=settings.engine_max_connections,
            )
            tasks.start_soon(_warm_up, models)
            tasks.start_soon(calls.warm_up)
            tasks.start_soon(server.serve, [listener])
            tasks.start_soon(_drain, calls, settings.engine_drain_seconds, draining, stop)
            host, port = listener.getsockname()[:2]
            task_status.started(f"http://{f'[{host}]' if ':' in host else host}:{port}")
            await stop.wait()
            calls.end_all(Ending.SHUTDOWN)
            with anyio.move_on_after(_GOODBYE_SECONDS):
                await calls.until_none()
            faults.end()
            server.should_exit = True
            with anyio.move_on_after(settings.engine_shutdown_seconds + _GOODBYE_SECONDS):
                await server.until_ended()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _open_wording(
    settings: EngineSettings, metrics: Metrics
) -> AsyncGenerator[Wording | None, None]:
    """Reach the chat endpoint of the settings, if there is one."""
    if settings.llm_base_url is None or settings.llm_model is None:
        yield None
        return
    endpoint = ChatEndpoint(
        settings.llm_base_url, settings.llm_model, settings.llm_api_key, settings.llm_timeout
    )
    async with open_chat(endpoint) as chat:
        yield Wording(chat, lambda outcome: metrics.wordings.labels(outcome).inc())


async def _drain(calls: Calls, seconds: float, draining: anyio.Event, stop: anyio.Event) -> None:
    await draining.wait()
    calls.close()
    with anyio.move_on_after(seconds):
        await calls.until_none()
    stop.set()


async def _warm_up(models: Models) -> None:
    await models.ready()
    try:
        await models.prepare(stock_sentences())
    except Unavailable as error:
        _log.warning("speech could not be prepared: %s", error)


async def run_until_signal(settings: EngineSettings, say: Callable[[str], None]) -> None:
    """Run the engine for a terminal or a supervisor.

    The first SIGTERM or SIGINT drains it, a second ends it at once.

    Args:
        settings: Where and how to serve.
        say: Given the URL once it listens.

    Raises:
        ExceptionGroup: Of what `run_engine` raises.
    """
    draining = anyio.Event()

    async def run(*, task_status: TaskStatus[str]) -> None:
        await run_engine(settings, draining=draining, task_status=task_status)
        tasks.cancel_scope.cancel()

    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as tasks:
            url = await tasks.start(run)
            settle()
            say(url)
            async for _ in signals:
                if draining.is_set():
                    break
                draining.set()
            tasks.cancel_scope.cancel()  # signals are still taken, so that a third does no harm


def _say(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the engine with settings from the environment, until SIGTERM or SIGINT.

    Its URL is the one line on stdout, written when it listens; logs go to stderr.

    Returns:
        0 after a signal, 1 if it could not run, 2 if a setting is wrong.
    """
    try:
        settings = load(EngineSettings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for library in ("aioice", "aiortc", "uvicorn"):  # they log clients' addresses
        logging.getLogger(library).setLevel(logging.WARNING)
    status = 0
    try:
        anyio.run(
            run_until_signal, settings, _say, backend_options={"loop_factory": new_event_loop}
        )
    except* (OSError, SettingsError, Unavailable) as failed:
        for why in _causes(failed):
            sys.stderr.write(f"The engine cannot run: {why}\n")
        status = 1
    return status


def _causes(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _causes(error)
        else:
            yield error
