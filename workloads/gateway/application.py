"""The gateway's routes, put together over one model."""

from collections.abc import Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import refusals
from .adapters import Adapters
from .api_key import ApiKeyFile
from .door import Door
from .generation import GenerationFailed, Model
from .kaito_chat import KaitoChat
from .limits import Limits
from .meter import Meter, MeteredModel, RequestMeter
from .openai import OpenAI
from .request_log import RequestLog
from .traffic import Traffic

WATCHED_PATHS = frozenset({"/health", "/metrics"})  # by probes and Prometheus, which have no key
CLIENT_CLOSED_REQUEST = 499  # nobody reads it; nginx's number tells it apart in metrics


def gateway(
    model: Model,
    name: str,
    *,
    traffic: Traffic,
    limits: Limits,
    key: ApiKeyFile | None = None,
    adapter_strengths: Mapping[str, float],
) -> ASGIApp:
    """The ASGI application that serves ``model`` under ``name``."""
    meter = Meter()
    metered = MeteredModel(model=model, meter=meter)
    adapters = Adapters(model=metered, base=name, limits=limits, strengths=adapter_strengths)
    openai = OpenAI(model=metered, name=name, adapters=adapters, limits=limits)
    chat = KaitoChat(metered, limits, adapter_strengths)
    routes = [
        Route("/", _greeting),
        Route("/health", _health_of(model, name, traffic)),
        Route("/metrics", _metrics_of(meter)),
        Route("/chat", chat.answer, methods=["POST"]),
        Route("/v1/models", openai.models),
        Route("/v1/models/{name:path}", openai.one_model),
        Route("/v1/chat/completions", openai.chat_completions, methods=["POST"]),
        Route("/v1/completions", openai.completions, methods=["POST"]),
        Route("/v1/load_lora_adapter", adapters.load, methods=["POST"]),
        Route("/v1/unload_lora_adapter", adapters.unload, methods=["POST"]),
    ]
    paths = frozenset(route.path for route in routes)
    app = Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _http_error,
            ValidationError: _invalid_body,
            GenerationFailed: _failed_generation,
            ClientDisconnect: _nobody_waits,
            Exception: _defect,
        },
    )
    door = Door(app, open_paths=WATCHED_PATHS, limits=limits, key=key, traffic=traffic)
    return RequestLog(RequestMeter(door, meter=meter, paths=paths), quiet_paths=WATCHED_PATHS)


async def _greeting(_: Request) -> Response:
    return JSONResponse({"message": "Moorage's gateway is running"})


def _health_of(model: Model, name: str, traffic: Traffic) -> Callable[[Request], object]:
    async def health(_: Request) -> Response:
        if traffic.draining:
            return JSONResponse({"detail": "draining: the gateway is about to stop"}, 503)
        if await model.is_ready():
            return JSONResponse({"status": "Healthy"})
        return JSONResponse({"detail": f"model {name} is not ready in Triton"}, 503)

    return health


def _metrics_of(meter: Meter) -> Callable[[Request], object]:
    async def metrics(_: Request) -> Response:
        return Response(meter.exposition(), media_type=CONTENT_TYPE_LATEST)

    return metrics


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    return refusals.of_http(error).response(request.url.path)


async def _invalid_body(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)  # noqa: S101 - registered for nothing else
    return refusals.of_body(error, request.url.path)


async def _failed_generation(request: Request, error: Exception) -> Response:
    assert isinstance(error, GenerationFailed)  # noqa: S101 - registered for nothing else
    return refusals.of_generation(error).response(request.url.path)


async def _nobody_waits(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _defect(request: Request, _: Exception) -> Response:
    """The error is raised anew after this, and so comes into the log."""
    refusal = refusals.internal("the gateway failed", code="internal_error")
    return refusal.response(request.url.path)
