"""Probes of a pod's ports over the network, as a kubelet makes them."""

import asyncio
import ssl

from simulator.kubelet.runtime import ProbeOutcome
from simulator.kubernetes.status import Object

HEALTHY_STATUS = range(200, 400)
STATUS_LINE_LIMIT = 8 * 1024


async def probe_http(pod_ip: str, action: Object) -> ProbeOutcome:
    """One GET on a connection of its own: an idle one would hold up a server that shuts down."""
    host, port = action.get("host") or pod_ip, action["port"]
    path = action.get("path") or "/"
    scheme = str(action.get("scheme") or "HTTP").lower()
    url = f"{scheme}://{host}:{port}{path}"
    try:
        status = await _get(host, port, path, headers=_headers(action, host, port), scheme=scheme)
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        return ProbeOutcome(succeeded=False, message=f'Get "{url}": {_reason(error)}')
    if status in HEALTHY_STATUS:
        return ProbeOutcome(succeeded=True)
    return ProbeOutcome(succeeded=False, message=f"HTTP probe failed with statuscode: {status}")


async def probe_tcp(pod_ip: str, action: Object) -> ProbeOutcome:
    host, port = action.get("host") or pod_ip, action["port"]
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return ProbeOutcome(succeeded=False, message=f"dial tcp {host}:{port}: {_reason(error)}")
    await _close(writer)
    return ProbeOutcome(succeeded=True)


def _headers(action: Object, host: str, port: int) -> dict[str, str]:
    given = {header["name"]: header["value"] for header in action.get("httpHeaders") or ()}
    defaults = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.34", "Accept": "*/*"}
    return {**defaults, **given, "Connection": "close"}


async def _get(host: str, port: int, path: str, *, headers: dict[str, str], scheme: str) -> int:
    """The status of the answer. Raises OSError, ValueError where it is not HTTP."""
    reader, writer = await asyncio.open_connection(
        host, port, ssl=_unverified() if scheme == "https" else None, limit=STATUS_LINE_LIMIT
    )
    try:
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()
        version, _, rest = (await reader.readuntil(b"\n")).decode("latin-1").partition(" ")
        if not version.startswith("HTTP/"):
            raise ValueError("malformed HTTP response")
        return int(rest[:3])
    finally:
        await _close(writer)


def _unverified() -> ssl.SSLContext:
    """A kubelet does not verify the certificates of what it probes."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:  # the peer was faster
        return


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, asyncio.IncompleteReadError):
        return "EOF"
    return str(error) or type(error).__name__
