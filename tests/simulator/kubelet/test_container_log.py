import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from simulator.kubelet.container_log import ContainerLog, read_log, rotated
from simulator.kubernetes.pod_streams import Channel, LogOptions

START = datetime(2026, 1, 1, tzinfo=UTC)


class TestClock:
    __test__ = False

    def __init__(self) -> None:
        self.instant = START

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def clock():
    return TestClock()


async def text(path, writer=None, *, now=START, **options) -> str:
    lines = read_log(path, writer, LogOptions(**options), now)
    return b"".join([line async for line in lines]).decode()


async def test_lines_are_joined_across_writes_and_streams_kept_apart(tmp_path, clock):
    log = ContainerLog(tmp_path / "0.log", clock)
    log.append(Channel.STDOUT, b"one ")
    log.append(Channel.STDERR, b"bad\n")
    log.append(Channel.STDOUT, b"two\nrest")
    log.close()
    assert await text(tmp_path / "0.log") == "bad\none two\nrest"
    raw = (tmp_path / "0.log").read_text().splitlines()
    assert raw[1] == "2026-01-01T00:00:00.000000Z stdout F one two"


async def test_long_lines_are_split_on_disk_and_whole_for_readers(tmp_path, clock):
    log = ContainerLog(tmp_path / "0.log", clock)
    line = "x" * 100_000
    log.append(Channel.STDOUT, f"{line}\nend\n".encode())
    log.append(Channel.STDOUT, line.encode())
    assert len((tmp_path / "0.log").read_text().splitlines()) > 2
    log.close()
    assert await text(tmp_path / "0.log") == f"{line}\nend\n{line}"


async def test_size_is_bounded(tmp_path, clock):
    path = tmp_path / "0.log"
    log = ContainerLog(path, clock, limit_bytes=1000)
    for number in range(1000):
        log.append(Channel.STDOUT, b"line %d\n" % number)
    log.close()
    assert path.stat().st_size <= 1000
    assert rotated(path).stat().st_size <= 1000
    assert len(list(tmp_path.iterdir())) == 2
    kept = (await text(path)).splitlines()
    assert kept[-1] == "line 999"
    assert kept == [f"line {number}" for number in range(1000 - len(kept), 1000)]


async def test_follower_gets_every_line_across_rotations(tmp_path, clock):
    path = tmp_path / "0.log"
    log = ContainerLog(path, clock, limit_bytes=500)
    following = asyncio.create_task(text(path, log, follow=True))
    for number in range(100):
        log.append(Channel.STDOUT, b"line %d\n" % number)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    log.close()
    async with asyncio.timeout(5):
        assert (await following).splitlines() == [f"line {number}" for number in range(100)]


async def test_since_and_tail_choose_the_latest(tmp_path, clock):
    log = ContainerLog(tmp_path / "0.log", clock)
    for number in range(5):
        clock.instant = START + timedelta(seconds=10 * number)
        log.append(Channel.STDOUT, b"%d\n" % number)
    log.close()
    now = START + timedelta(seconds=45)
    assert await text(tmp_path / "0.log", now=now, since_seconds=20) == "3\n4\n"
    assert await text(tmp_path / "0.log", tail_lines=1) == "4\n"
    assert await text(tmp_path / "0.log", tail_lines=0) == ""
    assert await text(tmp_path / "0.log", limit_bytes=3) == "0\n1"


async def test_entry_cut_short_by_a_crash_is_left_out(tmp_path, clock):
    path = tmp_path / "0.log"
    log = ContainerLog(path, clock)
    log.append(Channel.STDOUT, b"whole\n")
    log.close()
    with path.open("ab") as file:
        file.write(b"2026-01-01T00:00:00.000000Z stdout F ha")
    assert await text(path) == "whole\n"
