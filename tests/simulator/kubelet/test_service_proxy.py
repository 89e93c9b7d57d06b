"""Services on real loopback addresses, in front of real processes."""

import asyncio
import json
import socket

from simulator.kubelet.listener import Listener
from tests.simulator.kubelet.small_cluster import eventually, python

ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], 7000))
while True:
    connection, _ = server.accept()
    said = b''
    while data := connection.recv(65536):
        said += data
    connection.sendall(sys.argv[2].encode() + b':' + said)
    connection.close()
"""
POD_IP = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]


def echo(answer: str, **fields):
    probe = {"tcpSocket": {"port": "echo"}, "periodSeconds": 1}
    ports = [{"name": "echo", "containerPort": 7000}]
    return python(
        ECHO, "$(POD_IP)", answer, env=POD_IP, ports=ports, readinessProbe=probe, **fields
    )


async def talk(host: str, port: int, data: bytes) -> bytes:
    """Sends, half-closes, and reads to the end."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


def get(host: str) -> bytes:
    return f"GET /chat HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def body_of(answer: bytes) -> dict:
    return json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


async def listening(host: str, port: int) -> None:
    def answers() -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            return probe.connect_ex((host, port)) == 0

    await eventually(answers)


async def serving(cluster, name: str) -> None:
    def ready() -> bool:
        labels = {"kubernetes.io/service-name": name}
        slices = cluster.api.list("EndpointSlice", "default", labels)
        return any(e["conditions"]["ready"] for s in slices for e in s["endpoints"] or ())

    await cluster.until(ready)


async def test_cluster_ip_reaches_the_pod_and_passes_half_closes(cluster):
    ip = cluster.service("web", 7777, "echo")["spec"]["clusterIP"]
    cluster.pod("web", echo("one"))
    await serving(cluster, "web")
    await listening(ip, 7777)
    large = b"x" * 3_000_000
    assert await talk(ip, 7777, large) == b"one:" + large


async def test_ready_endpoints_take_turns(cluster):
    ip = cluster.service("web", 7777, 7000)["spec"]["clusterIP"]
    for name in ("one", "two"):
        cluster.pod(name, echo(name))
        pod = cluster.get(name)
        labels = {"app": "web"}
        cluster.api.update({**pod, "metadata": {**pod["metadata"], "labels": labels}})
    for name in ("one", "two"):
        await cluster.until_ready(name)
    await eventually(lambda: _ready_count(cluster) == 2)
    await listening(ip, 7777)
    answers = {await talk(ip, 7777, b"") for _ in range(2)}
    assert answers == {b"one:", b"two:"}


def _ready_count(cluster) -> int:
    return sum(
        endpoint["conditions"]["ready"]
        for item in cluster.api.list("EndpointSlice", "default")
        for endpoint in item["endpoints"] or ()
    )


async def test_simulated_pod_answers_503_on_its_service_and_its_own_address(cluster):
    ip = cluster.service("phi", 80, 5000)["spec"]["clusterIP"]
    ports = [{"containerPort": 5000}]
    cluster.pod("phi", {"name": "main", "image": "phi", "ports": ports}, node="simulated")
    pod = await cluster.until_ready("phi")
    await serving(cluster, "phi")
    for host, port in ((ip, 80), (pod["status"]["podIP"], 5000)):
        await listening(host, port)
        answer = await talk(host, port, get(host))
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        error = body_of(answer)
        assert error["type"] == "simulated"
        assert error["message"].startswith("simulated workload: node simulated stands for")


async def test_refusal_reaches_a_client_that_is_still_sending(cluster):
    ip = cluster.service("web", 7777, 7000)["spec"]["clusterIP"]
    await listening(ip, 7777)
    body = bytes(3_000_000)
    head = f"POST /chat HTTP/1.1\r\nHost: {ip}\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = await talk(ip, 7777, head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 503 ")


async def test_grpc_to_a_simulated_pod_is_closed_without_an_answer(cluster):
    ip = cluster.service("phi", 8001, 8001)["spec"]["clusterIP"]
    cluster.pod("phi", {"name": "main", "image": "phi"}, node="simulated")
    await serving(cluster, "phi")
    await listening(ip, 8001)
    assert await talk(ip, 8001, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == b""


async def test_service_without_a_ready_endpoint_says_which_pod_is_not_ready(cluster):
    ip = cluster.service("web", 7777, 7000)["spec"]["clusterIP"]
    await listening(ip, 7777)
    error = body_of(await talk(ip, 7777, get(ip)))
    assert error["message"].endswith("has no endpoint: it selects no pod that has an address")

    cluster.pod("web", python("import time; time.sleep(60)", readinessProbe=_never()))
    await cluster.until(lambda: _endpoint_count(cluster) == 1)
    error = body_of(await talk(ip, 7777, get(ip)))
    assert error == {
        "message": "Service default/web port 7777 has no ready endpoint: not ready is web",
        "type": "unavailable",
    }


def _never():
    return {"exec": {"command": ["false"]}}


def _endpoint_count(cluster) -> int:
    slices = cluster.api.list("EndpointSlice", "default")
    return sum(len(item["endpoints"] or ()) for item in slices)


async def test_port_that_cannot_be_bound_gets_a_substitute_which_is_announced(cluster):
    with socket.create_server((f"127.64.{cluster.block}.200", 7777)):
        cluster.service("web", 7777, "echo", clusterIP=f"127.64.{cluster.block}.200")
        cluster.pod("web", echo("one"))
        await serving(cluster, "web")

        def substitutes() -> str | None:
            annotations = cluster.get("web", "Service")["metadata"].get("annotations") or {}
            return annotations.get("moorage.sh/substitute-ports")

        await cluster.until(substitutes)
        port = json.loads(substitutes())["7777"]
        assert await talk(f"127.64.{cluster.block}.200", port, b"hi") == b"one:hi"


async def test_listeners_follow_the_service(cluster):
    service = cluster.service("web", 7777, 7000)
    ip = service["spec"]["clusterIP"]
    await listening(ip, 7777)
    cluster.api.delete("Service", "web", "default")

    def refuses() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((ip, 7777)) != 0

    await eventually(refuses)


async def test_connections_beyond_the_limit_are_dropped():
    async def hold(reader, writer):
        await reader.read()

    listener = Listener(hold, connection_limit=1)
    port = await listener.start("127.0.0.1", 0)
    _, first = await asyncio.open_connection("127.0.0.1", port)
    reader, second = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    for writer in (first, second):
        writer.close()
        await writer.wait_closed()
    await listener.stop()
