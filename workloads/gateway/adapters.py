"""Adapters: which ones a request means, and the routes that load and unload them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .bodies import read_body, while_connected
from .generation import AdapterStrength, InvalidGeneration, Model, NotFound
from .limits import Limits
from .openai_requests import AdapterName

FULL_STRENGTH = 1.0


class LoadAdapter(BaseModel):
    """``lora_path`` is a directory, as the model's process sees it."""

    model_config = ConfigDict(extra="forbid")

    lora_name: AdapterName
    lora_path: Annotated[str, Field(min_length=1, max_length=4096)]


class UnloadAdapter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lora_name: AdapterName


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """Those of ``model``, which is served under ``base``; ``strengths`` where it is not 1."""

    model: Model
    base: str
    limits: Limits
    strengths: Mapping[str, float] = field(default_factory=dict)

    async def loaded(self) -> tuple[str, ...]:
        return await self.model.adapters()

    async def meant(self, name: str, strengths: Mapping[str, float]) -> tuple[AdapterStrength, ...]:
        """The adapters of a request for the model ``name``: its own, and those named beside.

        Raises NotFound where it is neither the base's name nor a loaded adapter's.
        """
        wanted = dict(strengths)
        if name != self.base:
            if name not in (loaded := await self.loaded()):
                there = ", ".join(f"`{one}`" for one in (self.base, *loaded))
                raise NotFound(f"The model `{name}` does not exist; this server has {there}.")
            wanted.setdefault(name, self.strengths.get(name, FULL_STRENGTH))
        return tuple(AdapterStrength(name=one, strength=wanted[one]) for one in wanted)

    async def load(self, request: Request) -> Response:
        body = await read_body(request, LoadAdapter, self.limits)
        if body.lora_name == self.base:
            raise InvalidGeneration(f"{self.base} is the base model's name; choose another")
        work = self.model.load_adapter(body.lora_name, body.lora_path)
        await while_connected(request, work)
        return JSONResponse({"message": f"adapter {body.lora_name} is loaded"})

    async def unload(self, request: Request) -> Response:
        body = await read_body(request, UnloadAdapter, self.limits)
        await while_connected(request, self.model.unload_adapter(body.lora_name))
        return JSONResponse({"message": f"adapter {body.lora_name} is unloaded"})
