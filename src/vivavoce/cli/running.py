"""Running a command: on the event loop, with failures told in a sentence and an exit code."""

# ruff: noqa: PLC0415

import signal
import traceback
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import anyio
import click

from vivavoce.cli.exits import EXIT_OF, Exit, StackFailed
from vivavoce.errors import Code, VivavoceError

T = TypeVar("T")


def run(act: Callable[[], Awaitable[T]]) -> T:
    """Run an async command on uvloop; end the program with its code if it fails."""
    import uvloop

    async def main() -> T:
        return await act()

    return guarded(lambda: anyio.run(main, backend_options={"loop_factory": uvloop.new_event_loop}))


async def interruptible(act: Callable[[], Awaitable[T]]) -> T:
    """Cancel a command on SIGINT or SIGTERM, so that it cleans up like at any other end.

    Raises:
        KeyboardInterrupt: If it was.
    """
    results: list[T] = []
    async with anyio.create_task_group() as tasks:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:

            async def work() -> None:
                results.append(await act())
                tasks.cancel_scope.cancel()

            tasks.start_soon(work)
            async for _ in signals:
                tasks.cancel_scope.cancel()
                break
    if not results:
        raise KeyboardInterrupt
    return results[0]


def guarded(act: Callable[[], T]) -> T:
    """Run a command; tell what failed in a sentence, and end the program with its code."""
    from vivavoce.client.recovery import WebRTCConnectionError
    from vivavoce.settings import SettingsError

    try:
        return act()
    except KeyboardInterrupt:
        _fail("Interrupted.", Exit.INTERRUPTED)
    except BaseExceptionGroup as group:
        error = _only(group)
        if error is None:
            _report_fault()
        return guarded(lambda: _raise(error))
    except SettingsError as error:
        _fail(str(error), Exit.WRONG_USE)
    except StackFailed as error:
        _fail(str(error), Exit.CANNOT_START)
    except WebRTCConnectionError as error:
        _fail(str(error), EXIT_OF.get(Code(error.code), Exit.NO_ANSWER))
    except VivavoceError as error:
        _fail(f"{error.message} ({error.code})", EXIT_OF.get(error.code, Exit.NO_ANSWER))
    except Exception:  # noqa: BLE001  whatever it is, it is ours, and has an exit code of its own
        _report_fault()


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    """The one error of nested task groups; None where several failed at once."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        if len(error.exceptions) != 1:
            return None
        error = error.exceptions[0]
    return error


def _report_fault() -> NoReturn:
    traceback.print_exc()
    _fail("This is a fault of ours; please report it with the lines above.", Exit.FAULT)


def _raise(error: BaseException) -> NoReturn:
    raise error


def _fail(message: str, code: Exit) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)
