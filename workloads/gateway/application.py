"""The gateway's routes, put together over one model."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .bodies import Disconnected
from .generation import Model
from .kaito_chat import KaitoChat
from .meter import Meter, MeteredModel, RequestMeter
from .openai import OpenAI
from .openai_responses import error_object

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

CLIENT_CLOSED_REQUEST = 499  # nobody reads it; nginx's number tells it apart in metrics


def gateway(model: Model, name: str, *, lifespan: Lifespan | None = None) -> Starlette:
    """The ASGI application that serves ``model`` under ``name``."""
    meter = Meter()
    metered = MeteredModel(model=model, meter=meter)
    openai = OpenAI(model=metered, name=name)
    chat = KaitoChat(metered)
    routes = [
        Route("/", _greeting),
        Route("/health", _health_of(model, name)),
        Route("/metrics", _metrics_of(meter)),
        Route("/chat", chat.answer, methods=["POST"]),
        Route("/v1/models", openai.models),
        Route("/v1/chat/completions", openai.chat_completions, methods=["POST"]),
        Route("/v1/completions", openai.completions, methods=["POST"]),
    ]
    paths = frozenset(route.path for route in routes)
    return Starlette(
        routes=routes,
        middleware=[Middleware(RequestMeter, meter=meter, paths=paths)],
        exception_handlers={HTTPException: _http_error, Disconnected: _nobody_waits},
        lifespan=lifespan,
    )


async def _greeting(_: Request) -> Response:
    return JSONResponse({"message": "Moorage's gateway is running"})


def _health_of(model: Model, name: str) -> Callable[[Request], object]:
    async def health(_: Request) -> Response:
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
    if request.url.path.startswith("/v1/"):
        content = error_object(error.detail, kind="invalid_request_error", code=None)
    else:
        content = {"detail": error.detail}
    return JSONResponse(content, error.status_code, error.headers)


async def _nobody_waits(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)
