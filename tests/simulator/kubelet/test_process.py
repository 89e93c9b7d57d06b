"""Real processes: their output, their end, and that none outlives whoever started it."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest

from simulator.kubelet.process import Command, Process, Stdio
from simulator.kubelet.process_records import ProcessRecords
from simulator.kubernetes.pod_streams import Channel
from tests.simulator.kubelet.small_cluster import eventually


def command(directory, *arguments, **fields) -> Command:
    environment = {"PATH": os.environ["PATH"]}
    return Command(arguments=arguments, environment=environment, directory=directory, **fields)


def shell(directory, script: str, **fields) -> Command:
    return command(directory, "sh", "-c", script, **fields)


class Heard:
    def __init__(self) -> None:
        self.by_channel: dict[Channel, bytes] = {}

    def __call__(self, channel: Channel, data: bytes) -> None:
        self.by_channel[channel] = self.by_channel.get(channel, b"") + data


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 143)]
)
async def test_exit_codes(tmp_path, script, code):
    assert await Process(shell(tmp_path, script), Heard()).wait() == code


async def test_output_is_complete_when_the_end_is_told(tmp_path):
    heard = Heard()
    process = Process(shell(tmp_path, "head -c 300000 /dev/zero; echo no >&2"), heard)
    await process.wait()
    assert heard.by_channel == {Channel.STDOUT: bytes(300_000), Channel.STDERR: b"no\n"}


async def test_the_process_leads_a_session_of_its_own_under_the_id_that_was_given(tmp_path):
    heard = Heard()
    process = Process(shell(tmp_path, "echo $$; ps -o sid= -p $$; pwd"), heard)
    await process.wait()
    pid, session, directory = heard.by_channel[Channel.STDOUT].split()
    assert (int(pid), int(session)) == (process.pid, process.pid)
    assert directory.decode() == str(tmp_path)


async def test_a_terminal_is_the_controlling_one(tmp_path):
    heard = Heard()
    process = Process(shell(tmp_path, "echo hi > /dev/tty", stdio=Stdio.TERMINAL), heard)
    assert await process.wait() == 0
    assert heard.by_channel == {Channel.STDOUT: b"hi\r\n"}


async def test_children_that_stay_behind_end_with_the_process(tmp_path):
    heard = Heard()
    process = Process(shell(tmp_path, "sleep 60 & echo $!"), heard)
    async with asyncio.timeout(5):
        await process.wait()
    child = int(heard.by_channel[Channel.STDOUT])
    await eventually(lambda: not psutil.pid_exists(child) or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_signals_ignored_by_python_are_not_ignored_by_the_command(tmp_path):
    """A writer whose reader has gone must end: Python itself ignores SIGPIPE."""
    heard = Heard()
    async with asyncio.timeout(5):
        await Process(shell(tmp_path, "yes | head -n 1"), heard).wait()
    assert heard.by_channel[Channel.STDOUT] == b"y\n"
    assert await Process(shell(tmp_path, "kill -PIPE $$"), Heard()).wait() == 128 + signal.SIGPIPE


async def test_no_process_outlives_a_killed_parent(tmp_path):
    parent = textwrap.dedent(
        f"""
        import asyncio, pathlib
        from simulator.kubelet.process import Command, Process
        async def main():
            command = Command(
                arguments=["sleep", "60"], environment={{"PATH": {os.environ["PATH"]!r}}},
                directory=pathlib.Path({str(tmp_path)!r}),
            )
            print(Process(command, lambda channel, data: None).pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
        """
    )
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:  # noqa: ASYNC220
        child = psutil.Process(int(started.stdout.readline()))
        await eventually(lambda: child.name() == "sleep")
        started.send_signal(signal.SIGKILL)
    await eventually(lambda: not child.is_running() or _is_zombie(child.pid))


def sleeper() -> subprocess.Popen:
    return subprocess.Popen(["sleep", "60"], start_new_session=True)


async def test_leftovers_are_ended_and_strangers_spared(tmp_path):
    records = ProcessRecords(tmp_path / "processes")
    ours, stranger = sleeper(), sleeper()
    try:
        records.add(ours.pid, "default/ours main")
        records.add(stranger.pid, "default/gone main")
        path = tmp_path / "processes" / f"{stranger.pid}.json"
        path.write_text(path.read_text().replace('"created": ', '"created": 1'))
        (tmp_path / "processes" / "1.json").write_text('{"pid": 1, "cre')
        assert [record.pid for record in records.end_leftovers()] == [ours.pid]
        assert not psutil.pid_exists(ours.pid)
        assert stranger.poll() is None
        assert not list((tmp_path / "processes").iterdir())
    finally:
        for process in (ours, stranger):
            process.kill()
            process.wait()
