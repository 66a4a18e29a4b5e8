"""The voice engine as a program: models, calls and HTTP in one task group."""

import logging
import signal
import sys
from collections.abc import Iterator
from typing import Final

import anyio
from anyio.abc import TaskStatus
from uvloop import new_event_loop

from vivavoce.engine.call import Ending
from vivavoce.engine.calls import Calls
from vivavoce.engine.http import make_app
from vivavoce.engine.interviewer import stock_sentences
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
    task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Run the engine until it is cancelled; then end its calls properly.

    Calls may be opened at once; the models load meanwhile, in about 1.5 s (`/readyz`).

    Args:
        settings: Where and how to serve.
        task_status: Started with the URL, such as `http://127.0.0.1:8100`, once it listens:
            `url = await tasks.start(run_engine, settings)`.

    Raises:
        OSError: If the address cannot be had.
        SettingsError: If there is no API key.
        Unavailable: If the speech models cannot be loaded.
    """
    if settings.engine_api_key is None:
        raise SettingsError("VIVA_ENGINE_API_KEY is not set; `openssl rand -hex 24` makes one.")
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        url = await tasks.start(_run, settings, stop)
        task_status.started(url)
        try:
            await anyio.sleep_forever()
        finally:
            stop.set()


async def _run(
    settings: EngineSettings, stop: anyio.Event, *, task_status: TaskStatus[str]
) -> None:
    wanted = ModelSettings(whisper=settings.engine_whisper, threads=settings.engine_model_threads)
    with (
        anyio.CancelScope(shield=True),
        listen(settings.engine_host, settings.engine_port) as listener,
    ):
        async with open_models(wanted) as models, anyio.create_task_group() as tasks:
            metrics = Metrics()
            calls = Calls(settings, models, tasks, metrics)
            app = make_app(settings, calls, models, metrics)
            server = make_server(app, shutdown_seconds=settings.engine_shutdown_seconds)
            tasks.start_soon(_warm_up, models)
            tasks.start_soon(calls.make_ready)
            tasks.start_soon(server.serve, [listener])
            host, port = listener.getsockname()[:2]
            task_status.started(f"http://{f'[{host}]' if ':' in host else host}:{port}")
            await stop.wait()
            calls.end_all(Ending.SHUTDOWN)
            with anyio.move_on_after(_GOODBYE_SECONDS):
                await calls.until_none()
            server.should_exit = True
            with anyio.move_on_after(settings.engine_shutdown_seconds + _GOODBYE_SECONDS):
                await server.until_ended()
            tasks.cancel_scope.cancel()


async def _warm_up(models: Models) -> None:
    await models.ready()
    try:
        await models.prepare(stock_sentences())
    except Unavailable as error:
        _log.warning("speech could not be prepared: %s", error)


async def _run_until_signal(settings: EngineSettings) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as tasks:
            url = await tasks.start(run_engine, settings)
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            await anext(aiter(signals))
            tasks.cancel_scope.cancel()  # signals are still taken, so that a second does no harm


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
        anyio.run(_run_until_signal, settings, backend_options={"loop_factory": new_event_loop})
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
