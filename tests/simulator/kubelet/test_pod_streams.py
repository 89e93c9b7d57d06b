"""Logs, attach and exec of pods that run as local processes."""

import asyncio

import psutil
import pytest

from simulator.kubernetes.pod_streams import Channel, LogOptions
from simulator.kubernetes.status import ApiError
from tests.simulator.kubelet.small_cluster import container_status, python

SLEEP = "import time; time.sleep(60)"


async def logs(cluster, name: str, **options) -> list[str]:
    lines = cluster.streams.logs(cluster.get(name), "main", LogOptions(**options))
    return [line.decode() async for line in lines]


async def said(session) -> dict[Channel, bytes]:
    heard: dict[Channel, bytes] = {}
    async with asyncio.timeout(5):
        async for channel, piece in session.output():
            heard[channel] = heard.get(channel, b"") + piece
    return heard


async def test_tail_limit_and_timestamps(cluster):
    code = "print('one'); print('two'); print('three', end='')"
    cluster.pod("p", python(code), restartPolicy="Never")
    await cluster.until_phase("p", "Succeeded")
    assert await logs(cluster, "p") == ["one\n", "two\n", "three"]
    assert await logs(cluster, "p", tail_lines=2) == ["two\n", "three"]
    assert await logs(cluster, "p", limit_bytes=6) == ["one\n", "tw"]
    (line, *_) = await logs(cluster, "p", timestamps=True)
    assert line.split(" ")[0].endswith("Z")


async def test_follow_ends_with_the_container(cluster):
    code = "import time; print('a'); time.sleep(0.2); print('b')"
    cluster.pod("p", python(code), restartPolicy="Never")
    await cluster.until_phase("p", "Running", "Succeeded")
    assert await logs(cluster, "p", follow=True) == ["a\n", "b\n"]


async def test_previous_shows_the_container_before_the_restart(cluster):
    cluster.pod("p", python("import os; print(os.getpid()); raise SystemExit(1)"))
    await cluster.until(lambda: container_status(cluster.get("p")).get("restartCount", 0) >= 1)
    await cluster.until_waiting("p", "CrashLoopBackOff")
    assert await logs(cluster, "p") != await logs(cluster, "p", previous=True)


async def test_logs_of_a_container_that_waits_are_refused_with_its_reason(cluster):
    missing = {"secretKeyRef": {"name": "late", "key": "k"}}
    cluster.pod("p", python("print()", env=[{"name": "K", "valueFrom": missing}]))
    await cluster.until_waiting("p", "CreateContainerConfigError")
    with pytest.raises(ApiError, match="is waiting to start: CreateContainerConfigError"):
        await logs(cluster, "p")


async def test_attach_after_the_end_of_an_interactive_container_loses_nothing(cluster):
    container = python("print('quick')", stdin=True, stdinOnce=True, tty=True)
    cluster.pod("p", container, restartPolicy="Never")
    pod = await cluster.until_phase("p", "Succeeded")
    session = await cluster.streams.attach(pod, "main", stdin=True, tty=True)
    assert await said(session) == {Channel.STDOUT: b"quick\r\n"}
    assert await session.exit_code() == 0
    await session.close()


async def test_attach_to_a_terminal_reads_writes_and_resizes(cluster):
    code = (
        "import os, sys\n"
        "print(sys.stdin.isatty(), input('name? '), os.get_terminal_size().columns)\n"
        "raise SystemExit(7)"
    )
    cluster.pod("p", python(code, stdin=True, stdinOnce=True, tty=True), restartPolicy="Never")
    pod = await cluster.until_phase("p", "Running")
    session = await cluster.streams.attach(pod, "main", stdin=True, tty=True)
    await session.resize(132, 40)
    await session.write(b"Ada\n")
    heard = await said(session)
    assert heard[Channel.STDOUT].endswith(b"True Ada 132\r\n")
    assert await session.exit_code() == 0
    pod = await cluster.until_phase("p", "Failed")
    assert container_status(pod)["state"]["terminated"]["exitCode"] == 7


async def test_client_that_leaves_ends_the_input_of_a_stdin_once_container(cluster):
    container = python("import sys; print(sys.stdin.read())", stdin=True, stdinOnce=True)
    cluster.pod("p", container, restartPolicy="Never")
    pod = await cluster.until_phase("p", "Running")
    session = await cluster.streams.attach(pod, "main", stdin=True, tty=False)
    await session.write(b"all there is")
    await session.close()
    await cluster.until_phase("p", "Succeeded")
    assert await logs(cluster, "p") == ["all there is\n"]


async def test_exec_has_the_environment_of_the_pod_and_its_own_exit_code(cluster):
    cluster.pod("p", python(SLEEP, env=[{"name": "WHO", "value": "pod"}]))
    pod = await cluster.until_ready("p")
    command = ["sh", "-c", "echo $WHO; echo oops >&2; cat; exit 5"]
    session = await cluster.streams.exec(pod, "main", command, stdin=True, tty=False)
    await session.write(b"from stdin")
    await session.close_stdin()
    heard = await said(session)
    assert heard == {Channel.STDOUT: b"pod\nfrom stdin", Channel.STDERR: b"oops\n"}
    assert await session.exit_code() == 5
    await session.close()


async def test_exec_hands_over_large_output_to_a_slow_client_in_full(cluster):
    cluster.pod("p", python(SLEEP))
    pod = await cluster.until_ready("p")
    command = ["head", "-c", "5000000", "/dev/zero"]
    session = await cluster.streams.exec(pod, "main", command, stdin=False, tty=False)
    await asyncio.sleep(0.2)  # the client reads nothing yet
    assert psutil.Process(session._process.pid).status() != psutil.STATUS_ZOMBIE
    heard = await said(session)
    assert len(heard[Channel.STDOUT]) == 5_000_000
    await session.close()


async def test_exec_ends_with_its_client(cluster):
    cluster.pod("p", python(SLEEP))
    pod = await cluster.until_ready("p")
    session = await cluster.streams.exec(pod, "main", ["sleep", "60"], stdin=False, tty=False)
    async with asyncio.timeout(5):
        await session.close()
        assert await session.exit_code() == 137


async def test_exec_of_an_unknown_command_says_so(cluster):
    cluster.pod("p", python(SLEEP))
    pod = await cluster.until_ready("p")
    with pytest.raises(ApiError, match="executable file not found"):
        await cluster.streams.exec(pod, "main", ["no-such-command"], stdin=False, tty=False)


async def test_simulated_containers_have_no_streams(cluster):
    cluster.pod("p", {"name": "main", "image": "phi"}, node="simulated")
    pod = await cluster.until_ready("p")
    attach = cluster.streams.attach(pod, "main", stdin=False, tty=False)
    execute = cluster.streams.exec(pod, "main", ["ls"], stdin=False, tty=False)
    for refused in (attach, execute):
        with pytest.raises(ApiError, match="simulated workload") as error:
            await refused
        assert error.value.code == 501


async def test_curl_image_runs_curl_or_the_command_it_is_given(cluster):
    for name, arguments in (("option", ["--version"]), ("command", ["curl", "--version"])):
        container = {"name": "main", "image": "curlimages/curl", "args": arguments}
        cluster.pod(name, container, restartPolicy="Never")
        await cluster.until_phase(name, "Succeeded")
        assert (await logs(cluster, name))[0].startswith("curl ")


async def test_output_of_children_does_not_hold_up_the_end(cluster):
    code = "import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=False)"
    cluster.pod("p", python(code), restartPolicy="Never")
    await cluster.until_phase("p", "Succeeded")
