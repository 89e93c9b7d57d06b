"""The bodies of OpenAI's routes, as far as they can be honoured.

Shapes follow OpenAI's API reference. Settings without effect here are accepted at their neutral
value alone; whatever else a client asks for is refused, never ignored.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .generation import Generation, Message


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


class CompletionSettings(BaseModel):
    """What both routes share. ``top_k`` is an extension that many servers have."""

    model_config = ConfigDict(extra="forbid")

    model: str
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    # Only for the caller's own books.
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    # Neutral values.
    n: Literal[1] | None = None
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    @property
    def usage_wanted(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def _generation(self, source: str | tuple[Message, ...], max_tokens: int | None) -> Generation:
        return Generation(
            source=source,
            max_tokens=max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            seed=self.seed,
            stops=self.stops,
        )


class ChatCompletionRequest(CompletionSettings):
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: Literal[False] | None = None

    def generation(self) -> Generation:
        source = tuple(message.plain() for message in self.messages)
        return self._generation(source, self.max_completion_tokens or self.max_tokens)


class CompletionRequest(CompletionSettings):
    prompt: Annotated[str, Field(min_length=1)]
    echo: Literal[False] | None = None
    suffix: None = None
    best_of: Literal[1] | None = None
    logprobs: None = None

    def generation(self) -> Generation:
        return self._generation(self.prompt, self.max_tokens)
