"""The faults that lie in a sideband: closed too early, or with holes in what it tells."""

from typing import Any, Final

from litestar.types import Send

from vivavoce.engine.faults import Cut, Fault, Faults

_CLOSED_AT: Final = 3
_MISSING: Final = 3
_CUT: Final = 1006  # RFC 6455 7.4.1: never on the wire; the connection was lost


def faulty_sideband(faults: Faults, cut: Cut, send: Send) -> Send:
    """Wrap what sends a sideband's frames in the faults that are turned on.

    What is sent after a close goes nowhere; whoever serves the socket learns of the close from it.
    """
    if not (faults.has(Fault.SIDEBAND_CLOSE) or faults.has(Fault.SIDEBAND_GAPS)):
        return send
    sent = 0
    is_closed = False

    async def faulty_send(message: Any) -> None:
        nonlocal sent, is_closed
        if is_closed:
            return
        if message["type"] != "websocket.send":
            await send(message)
            return
        sent += 1
        if sent == _CLOSED_AT and (code := faults.strike(Fault.SIDEBAND_CLOSE)) is not None:
            is_closed = True
            if int(code) == _CUT:
                cut()
            else:
                await send({"type": "websocket.close", "code": int(code), "reason": "fault"})
        elif sent % _MISSING or faults.strike(Fault.SIDEBAND_GAPS) is None:
            await send(message)

    return faulty_send
