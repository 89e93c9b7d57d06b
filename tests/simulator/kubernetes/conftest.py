from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork


class SettableClock:
    def __init__(self) -> None:
        self.instant = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def advance(self, **duration: float) -> None:
        self.instant += timedelta(**duration)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def open_server(clock: SettableClock) -> Iterator[Callable[..., ApiServer]]:
    """Opens servers on a file, or in memory, and closes those still open."""
    numbers = count(1)
    opened = []

    def open_(database: Path | None = None) -> ApiServer:
        server = ApiServer(
            clock=clock,
            new_uid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
            database=database,
            service_addresses=ServiceNetwork("127.64.250.0/24"),
        )
        opened.append(server)
        return server

    yield open_
    for server in opened:
        server.close()


@pytest.fixture
def server(open_server: Callable[..., ApiServer]) -> ApiServer:
    return open_server()
