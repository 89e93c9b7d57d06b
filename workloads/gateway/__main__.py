"""``python -m workloads.gateway --listen=IP:PORT --triton=HOST:GRPCPORT --model=NAME``."""

import argparse
import asyncio
import logging
import math
import sys
from pathlib import Path

from .api_key import ApiKeyFile
from .application import gateway
from .limits import Limits
from .request_log import add_request_id
from .server import Tls, server
from .traffic import Traffic
from .triton_model import TritonModel


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.tls_certificate is None) != (options.tls_key is None):
        parser.error("--tls-certificate and --tls-key go together")
    _log_to_stderr()
    return asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> int:
    host, _, port = options.listen.rpartition(":")
    limits, traffic = Limits(), Traffic()
    timeout_seconds = options.request_timeout_seconds
    async with TritonModel(options.triton, options.model, timeout_seconds=timeout_seconds) as model:
        app = gateway(
            model,
            options.model,
            traffic=traffic,
            limits=limits,
            key=options.api_key_file,
            adapter_strengths=dict(options.adapter),
        )
        tls = None
        if options.tls_certificate is not None:
            tls = Tls(certificate=options.tls_certificate, key=options.tls_key)
        running = server(
            app,
            host=host,
            port=int(port),
            limits=limits,
            traffic=traffic,
            drain_seconds=options.drain_timeout_seconds,
            tls=tls,
        )
        await running.serve()
    return 0 if running.started else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workloads.gateway", description=__doc__)
    parser.add_argument("--listen", required=True, help="IP:PORT to serve HTTP on")
    parser.add_argument("--triton", required=True, help="HOST:PORT of Triton's gRPC")
    parser.add_argument("--model", required=True, help="the model's name in Triton and in /v1")
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        type=_strength,
        metavar="NAME=STRENGTH",
        help="how strongly an adapter acts where it is asked for by name; 1 if not said",
    )
    parser.add_argument(
        "--api-key-file", type=_key_file, help="keys, one a line; without it anybody is served"
    )
    parser.add_argument("--tls-certificate", type=Path, help="a PEM file; serves HTTPS")
    parser.add_argument("--tls-key", type=Path, help="a PEM file")
    parser.add_argument("--request-timeout-seconds", type=float, default=600.0)
    parser.add_argument("--drain-timeout-seconds", type=float, default=30.0)
    return parser


def _strength(option: str) -> tuple[str, float]:
    name, _, told = option.rpartition("=")
    try:
        strength = float(told)
    except ValueError:
        strength = math.nan
    if not name or not 0 <= strength <= 2:  # noqa: PLR2004 - as a request's
        raise argparse.ArgumentTypeError(f"{option!r} is not NAME=STRENGTH with 0 to 2")
    return name, strength


def _key_file(path: str) -> ApiKeyFile:
    try:
        return ApiKeyFile(Path(path))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.addFilter(add_request_id)
    line = "%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=line, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
