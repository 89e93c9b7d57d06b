"""The assembled cluster, over HTTP with the real kubectl, through stops and kills."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from simulator.address_block import AddressBlockError
from simulator.cluster import ClusterOptions, simulated_cluster
from simulator.kubelet.images import Curl, ImageTable, MachineProgram
from simulator.timings import Timings

KUBECTL = Path(sys.executable).with_name("kubectl")
PYTHON = MachineProgram(repositories=["test/python"], entrypoint=[sys.executable, "-u"])
CHAT = """
import http.server, json, sys
class Chat(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"Result": asked["prompt"].lower()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
http.server.HTTPServer((sys.argv[1], 5000), Chat).serve_forever()
"""


def options(directory: Path) -> ClusterOptions:
    return ClusterOptions(
        state_directory=directory / "state",
        cache_directory=directory / "cache",
        images=ImageTable([PYTHON, Curl()]),
        timings=Timings(restart_backoff=0.1, image_pull=0, container_start=0),
    )


def chat_workload(clusters_directory: Path) -> str:
    """A file with a pod that answers /chat, and its Service."""
    container = {
        "name": "chat",
        "image": "test/python",
        "args": ["-c", CHAT, "$(POD_IP)"],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "ports": [{"name": "http", "containerPort": 5000}],
        "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "chat", "labels": {"app": "chat"}},
        "spec": {"containers": [container]},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat"},
        "spec": {"selector": {"app": "chat"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    path = clusters_directory / "chat.yaml"
    path.write_text("\n---\n".join(json.dumps(each) for each in (pod, service)))
    return str(path)


class Kubectl:
    def __init__(self, directory: Path) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(directory / "state" / "kubeconfig"),
            "KUBECACHEDIR": str(directory / "kubectl-cache"),
            "HOME": str(directory),
        }

    async def __call__(self, *arguments: str, code: int = 0) -> str:
        """Standard output."""
        process = await asyncio.create_subprocess_exec(
            KUBECTL,
            *arguments,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        assert process.returncode == code, err.decode()
        return out.decode()

    async def in_terminal(self, *arguments: str) -> str:
        """All output, as a person at a terminal sees it."""
        script = [
            "script",
            "-qec",
            subprocess.list2cmdline([str(KUBECTL), *arguments]),
            "/dev/null",
        ]
        process = await asyncio.create_subprocess_exec(
            *script, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        return out.decode()


@pytest.fixture
def kubectl(tmp_path) -> Kubectl:
    return Kubectl(tmp_path)


async def url_of(kubectl: Kubectl, service: str) -> str:
    """The Service on its cluster IP; the substitute port where 80 may not be bound."""
    found = json.loads(await kubectl("get", "service", service, "-o", "json"))
    annotations = found["metadata"].get("annotations", {})
    substitutes = json.loads(annotations.get("moorage.sh/substitute-ports", "{}"))
    port = f":{substitutes['80']}" if "80" in substitutes else ""
    return f"http://{found['spec']['clusterIPs'][0]}{port}"


def question(url: str) -> list[str]:
    """The quickstart's last command."""
    image = ["run", "-it", "--rm", "--restart=Never", "curl", "--image=curlimages/curl", "--"]
    types = ["-H", "accept: application/json", "-H", "Content-Type: application/json"]
    return [*image, "curl", "-X", "POST", f"{url}/chat", *types, "-d", '{"prompt":"HELLO"}']


async def test_throw_away_curl_pod_reaches_a_service(tmp_path, kubectl):
    async with simulated_cluster(options(tmp_path)):
        await kubectl("wait", "--for=condition=Ready", "node/moorage-local", "--timeout=20s")
        await kubectl("apply", "-f", chat_workload(tmp_path))
        await kubectl("wait", "--for=condition=Ready", "pod/chat", "--timeout=20s")
        url = await url_of(kubectl, "chat")
        for _ in range(3):  # a pod as short as this one must never lose its output
            assert '{"Result": "hello"}' in await kubectl(*question(url))
        if shutil.which("script"):
            assert '{"Result": "hello"}' in await kubectl.in_terminal(*question(url))
        assert await kubectl("get", "pods", "-o", "name") == "pod/chat\n"
        assert "POST /chat" in await kubectl("logs", "chat")
        described = await kubectl("describe", "pod", "chat")
        assert "Started container chat" in described


async def test_exit_code_of_a_throw_away_pod_reaches_the_caller(tmp_path, kubectl):
    async with simulated_cluster(options(tmp_path)):
        run = ["run", "-i", "--rm", "--restart=Never", "one", "--image=test/python", "--"]
        said = await kubectl(*run, "-c", "print('once'); raise SystemExit(3)", code=3)
        assert said.count("once") == 1


async def test_restart_after_a_clean_stop_keeps_objects_and_port(tmp_path, kubectl):
    async with simulated_cluster(options(tmp_path)) as cluster:
        await kubectl("apply", "-f", chat_workload(tmp_path))
        await kubectl("wait", "--for=condition=Ready", "pod/chat", "--timeout=20s")
        url, before = cluster.url, await url_of(kubectl, "chat")
        (server,) = _processes(tmp_path)
    assert not server.is_running()
    async with simulated_cluster(options(tmp_path)) as cluster:
        assert cluster.url == url
        await _restarted_once(kubectl)
        assert await url_of(kubectl, "chat") == before
        assert '{"Result": "hello"}' in await kubectl(*question(before))


async def test_killed_cluster_leaves_no_process_and_comes_back(tmp_path, kubectl):
    program = textwrap.dedent(
        f"""
        import asyncio, pathlib
        from simulator.cluster import simulated_cluster
        from tests.simulator.test_cluster import options
        async def main():
            async with simulated_cluster(options(pathlib.Path({str(tmp_path)!r}))):
                print("up", flush=True)
                await asyncio.Event().wait()
        asyncio.run(main())
        """
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE
    )
    try:
        assert await process.stdout.readline() == b"up\n"
        await kubectl("apply", "-f", chat_workload(tmp_path))
        await kubectl("wait", "--for=condition=Ready", "pod/chat", "--timeout=20s")
        servers = _processes(tmp_path)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, servers, timeout=5)
    assert (len(gone), alive) == (1, [])
    async with simulated_cluster(options(tmp_path)):
        await _restarted_once(kubectl)
        assert len(_processes(tmp_path)) == 1


async def _restarted_once(kubectl: Kubectl) -> None:
    """Jumps over the moment in which the pod still has the status of before."""
    condition = "--for=jsonpath={.status.containerStatuses[0].restartCount}=1"
    await kubectl("wait", condition, "pod/chat", "--timeout=20s")
    await kubectl("wait", "--for=condition=Ready", "pod/chat", "--timeout=20s")


def _processes(directory: Path) -> list[psutil.Process]:
    records = (directory / "state" / "processes").glob("*.json")
    return [psutil.Process(json.loads(path.read_text())["pid"]) for path in records]


async def test_two_clusters_run_side_by_side_but_not_on_one_directory(tmp_path):
    async with simulated_cluster(options(tmp_path / "a")) as first:
        async with simulated_cluster(options(tmp_path / "b")) as second:
            assert first.url != second.url
        with pytest.raises(AddressBlockError, match="already runs from this directory"):
            async with simulated_cluster(options(tmp_path / "a")):
                pass
