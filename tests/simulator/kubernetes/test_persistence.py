import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from simulator.kubernetes.api_server import ApiServer

_WRITER = """
import sys, uuid
from pathlib import Path
from simulator.clock import SystemClock
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork

server = ApiServer(
    clock=SystemClock(), new_uid=lambda: str(uuid.uuid4()), database=Path(sys.argv[1]),
    service_addresses=ServiceNetwork("127.64.250.0/24"),
)
for number in range(100_000):
    metadata = {"name": f"c{number}", "namespace": "default"}
    made = server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    print(made["metadata"]["name"], made["metadata"]["resourceVersion"], flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(
    open_server: Callable[[Path], ApiServer], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, file], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().split() for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [line.split() for line in writer.stdout.read().splitlines(keepends=True)]
    writer.wait()
    writer.stdout.close()
    server = open_server(file)
    versions = {
        each["metadata"]["name"]: each["metadata"]["resourceVersion"]
        for each in server.list("ConfigMap")
    }
    for name, version in (line for line in acknowledged if len(line) == 2):
        assert versions[name.decode()] == version.decode()
    assert server.resource_version >= max(int(version) for version in versions.values())
