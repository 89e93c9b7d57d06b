"""Nothing of a container outlives a cluster that was killed, not even what its program started."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

KEEPER = """
import subprocess, sys, time
from pathlib import Path
from simulator.kubelet.process_records import ProcessRecords
from simulator.kubelet.reaper import reaper
directory = Path(sys.argv[1])
child = "import time; time.sleep(60)"
leader = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]).wait()"
with reaper(directory):
    process = subprocess.Popen([sys.executable, "-c", leader], start_new_session=True)
    ProcessRecords(directory).add(process.pid, "a test")
    print(process.pid, flush=True)
    sys.stdin.read()
    process.kill()
    ProcessRecords(directory).remove(process.pid)
"""


@pytest.fixture
def keeper(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def group_of(keeper: subprocess.Popen) -> list[psutil.Process]:
    leader = psutil.Process(int(keeper.stdout.readline()))
    while not (children := leader.children()):
        pass
    return [leader, *children]


def test_a_killed_keeper_leaves_no_group_behind(keeper):
    group = group_of(keeper)
    keeper.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs(group, timeout=10)
    assert (len(gone), alive) == (2, [])


def test_a_group_whose_leader_is_gone_is_ended_too(keeper):
    leader, child = group_of(keeper)
    leader.kill()
    keeper.send_signal(signal.SIGKILL)
    assert psutil.wait_procs([child], timeout=10)[1] == []


def test_a_keeper_that_stops_by_itself_takes_the_reaper_with_it(keeper):
    group_of(keeper)
    (reaper,) = [p for p in psutil.Process(keeper.pid).children() if "reaper" in str(p.cmdline())]
    keeper.stdin.close()
    assert keeper.wait(timeout=10) == 0
    assert psutil.wait_procs([reaper], timeout=5)[1] == []
