from collections.abc import Iterator
from itertools import count

import pytest

from simulator.clock import SystemClock
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from tests.conformance.local_pod_streams import LocalPodStreams


@pytest.fixture
def api_server() -> Iterator[ApiServer]:
    numbers = count(1)
    server = ApiServer(
        clock=SystemClock(),
        new_uid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
        database=None,
        service_addresses=ServiceNetwork("127.64.250.0/24"),
        pod_streams=LocalPodStreams(),
    )
    yield server
    server.close()
