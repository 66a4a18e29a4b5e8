"""`POST /internal/v1/machines/{machineId}/reports`: what a machine tells of its session."""

from typing import Final

from litestar import Response, post
from litestar.params import FromPath, RawBody

from vivavoce import tokens
from vivavoce.api.context import AnyRequest, ApiParts, answer
from vivavoce.control.reports import take_reports
from vivavoce.protocol.codec import decode
from vivavoce.protocol.machine import MachineReports

PATH: Final = "/internal/v1/machines/{machine_id:str}/reports"
MAX_BODY_BYTES: Final = 1024 * 1024


@post(PATH, status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def machine_reports(
    request: AnyRequest, machine_id: FromPath[str], body: RawBody, api: ApiParts
) -> Response[bytes]:
    """Take reports; answered after commit, so that the machine may forget them."""
    identity = await api.identify(request, (tokens.MACHINE,))
    told = decode(body, MachineReports, max_bytes=MAX_BODY_BYTES)
    await take_reports(api.plane, identity, machine_id, told.reports)
    return answer({"accepted": len(told.reports)})
