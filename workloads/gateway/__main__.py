"""``python -m workloads.gateway --listen=IP:PORT --triton=HOST:GRPCPORT --model=NAME``."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from .application import gateway
from .triton_model import TritonModel


class DrainingServer(uvicorn.Server):
    """Ends by itself on SIGTERM once its requests are answered, and so exits with 0.

    uvicorn would raise the signal anew after it has drained, and exit by it.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.drain)
        yield

    def drain(self) -> None:
        self.should_exit = True


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> int:
    host, _, port = options.listen.rpartition(":")
    timeout_seconds = options.request_timeout_seconds
    async with TritonModel(options.triton, options.model, timeout_seconds=timeout_seconds) as model:
        config = uvicorn.Config(
            gateway(model, options.model),
            host=host,
            port=int(port),
            timeout_graceful_shutdown=options.drain_timeout_seconds,
            lifespan="off",
        )
        server = DrainingServer(config)
        await server.serve()
    return 0 if server.started else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workloads.gateway", description=__doc__)
    parser.add_argument("--listen", required=True, help="IP:PORT to serve HTTP on")
    parser.add_argument("--triton", required=True, help="HOST:PORT of Triton's gRPC")
    parser.add_argument("--model", required=True, help="the model's name in Triton and in /v1")
    parser.add_argument("--request-timeout-seconds", type=float, default=600.0)
    parser.add_argument("--drain-timeout-seconds", type=int, default=30)
    return parser


if __name__ == "__main__":
    sys.exit(main())
