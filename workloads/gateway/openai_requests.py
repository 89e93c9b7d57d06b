"""The bodies of OpenAI's routes, as far as they can be honoured.

Shapes follow OpenAI's API reference. Settings without effect here are accepted at their neutral
value alone; whatever else a client asks for is refused, never ignored.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from .generation import AdapterStrength, Generation, Message
from .sampling import INT64_MAX, MAX_MESSAGES, SamplingSettings, Stops, Tokens

Strength = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
AdapterName = Annotated[str, Field(min_length=1, max_length=128)]


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: str | None = None

    def plain(self) -> Message:
        role = "system" if self.role == "developer" else self.role
        if isinstance(self.content, str):
            return Message(role=role, content=self.content)
        return Message(role=role, content="".join(part.text for part in self.content))


class StreamOptions(BaseModel):
    include_usage: bool = False


class ResponseFormat(BaseModel):
    type: Literal["text"]

    @field_validator("type", mode="before")
    @classmethod
    def _is_text(cls, kind: Any) -> Any:
        if kind in ("json_object", "json_schema"):
            raise ValueError(
                f"the model's output cannot be held to {kind} here; "
                "ask for JSON in the prompt, and check what comes"
            )
        return kind


class CompletionSettings(SamplingSettings):
    """What both routes share.

    ``top_k``, ``min_p`` and ``repetition_penalty`` are extensions that many servers have;
    ``adapters``, strengths by name, is ours.
    """

    model: str
    max_tokens: Tokens | None = None
    n: Annotated[int, Field(ge=1, le=8)] | None = None
    stop: Stops = ()
    stream: bool = False
    stream_options: StreamOptions | None = None
    adapters: Annotated[dict[AdapterName, Strength], Field(max_length=8)] | None = None
    # Only for the caller's own books.
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    # Neutral values.
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None

    @field_validator("stream_options")
    @classmethod
    def _goes_with_a_stream(
        cls, options: StreamOptions | None, info: ValidationInfo
    ) -> StreamOptions | None:
        if options is not None and not info.data.get("stream"):
            raise ValueError("only goes with stream: true")
        return options

    @property
    def usage_wanted(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def generations(self, adapters: tuple[AdapterStrength, ...]) -> list[Generation]:
        """``n`` of them; those after the first have seeds of their own, by which they differ."""
        return [self._generation(index, adapters) for index in range(self.n or 1)]

    def _generation(self, index: int, adapters: tuple[AdapterStrength, ...]) -> Generation:
        return Generation(
            source=self._source(),
            max_tokens=self._max_tokens(),
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            seed=None if self.seed is None else (self.seed + index) & INT64_MAX,
            stops=self.stop,
            logprobs=self._logprobs(),
            adapters=adapters,
        )

    def _source(self) -> str | tuple[Message, ...]:
        raise NotImplementedError

    def _logprobs(self) -> int | None:
        raise NotImplementedError

    def _max_tokens(self) -> int | None:
        return self.max_tokens


class ChatCompletionRequest(CompletionSettings):
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None

    @field_validator("top_logprobs")
    @classmethod
    def _goes_with_logprobs(cls, count: int | None, info: ValidationInfo) -> int | None:
        if count is not None and not info.data.get("logprobs"):
            raise ValueError("only goes with logprobs: true")
        return count

    def _source(self) -> tuple[Message, ...]:
        return tuple(message.plain() for message in self.messages)

    def _logprobs(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None

    def _max_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens


class CompletionRequest(CompletionSettings):
    prompt: Annotated[str, Field(min_length=1)]
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    echo: Literal[False] | None = None
    suffix: None = None
    best_of: Literal[1] | None = None

    def _source(self) -> str:
        return self.prompt

    def _logprobs(self) -> int | None:
        return self.logprobs
