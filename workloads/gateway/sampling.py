"""The settings that all routes of generation have, with the ranges that mean something."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

INT32_MAX = (1 << 31) - 1  # the model's tensors are no wider
INT64_MAX = (1 << 63) - 1
MAX_MESSAGES = 1024
MAX_STOPS = 4  # as OpenAI's

Tokens = Annotated[int, Field(ge=1, le=INT32_MAX)]
Stop = Annotated[str, Field(min_length=1)]


def _listed(stops: Any) -> Any:
    """One stop string is given bare, none as null."""
    if stops is None:
        return ()
    return (stops,) if isinstance(stops, str) else stops


Stops = Annotated[tuple[Stop, ...], Field(max_length=MAX_STOPS), BeforeValidator(_listed)]


class SamplingSettings(BaseModel):
    """Unknown fields are refused, so that nobody takes what is ignored for honoured."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=INT32_MAX)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=2)] | None = None
    seed: Annotated[int, Field(ge=0, le=INT64_MAX)] | None = None
