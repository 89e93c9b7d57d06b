"""Tokenizer, chat template and sampling defaults of a Hugging Face folder."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from triton_models.chat_lm.generation.manifest import SamplingDefaults
from triton_models.chat_lm.generation.text import CHAT_TEMPLATE_NAME, TOKENIZER_NAME

from .checkpoint import TextEnds, UnsupportedWeights

CONFIG_NAME = "config.json"
LANGUAGE_NAMES = (
    *(TOKENIZER_NAME, "tokenizer_config.json", "generation_config.json", CHAT_TEMPLATE_NAME),
)
Document = Mapping[str, Any]


class HuggingFaceLanguage:
    """What a folder says of text. Raises UnsupportedWeights, OSError."""

    def __init__(self, folder: Path, config: Document) -> None:
        self._folder = folder
        self._tokenizer = _tokenizer(folder / TOKENIZER_NAME)
        self._tokens = read_json(folder / "tokenizer_config.json", default={})
        # Without one of its own, generation goes by the model's configuration.
        self._generation = read_json(folder / "generation_config.json", default=config)

    @property
    def text_ends(self) -> TextEnds:
        ends = dict.fromkeys(self._end_tokens())
        if not ends:
            raise UnsupportedWeights("it names no token that ends a text")
        return TextEnds(begin_token=self._begin_token(), end_tokens=tuple(ends))

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        """As transformers would generate: greedily unless told to sample."""
        if not self._generation.get("do_sample"):
            return SamplingDefaults(temperature=0.0, top_p=1.0)
        temperature, top_p = (self._generation.get(name) for name in ("temperature", "top_p"))
        return SamplingDefaults(
            temperature=1.0 if temperature is None else temperature,
            top_p=1.0 if top_p is None else top_p,
        )

    def write(self, directory: Path) -> None:
        template = self._template()
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.save(str(directory / TOKENIZER_NAME))
        (directory / CHAT_TEMPLATE_NAME).write_text(template, encoding="utf-8")

    def _begin_token(self) -> int | None:
        begin = self._token("bos_token")
        adds = self._tokens.get("add_bos_token")
        if adds is None:  # then the tokenizer itself knows
            adds = begin in self._tokenizer.encode("", add_special_tokens=True).ids
        return begin if adds else None

    def _end_tokens(self) -> Iterator[int]:
        if (own := self._token("eos_token")) is not None:
            yield own
        others = self._generation.get("eos_token_id")
        yield from others if isinstance(others, list) else [] if others is None else [others]

    def _token(self, name: str) -> int | None:
        told = self._tokens.get(name)
        text = told.get("content") if isinstance(told, dict) else told
        return None if text is None else self._tokenizer.token_to_id(text)

    def _template(self) -> str:
        path = self._folder / CHAT_TEMPLATE_NAME
        if path.exists():
            return path.read_text(encoding="utf-8")
        template = self._tokens.get("chat_template")
        if isinstance(template, list):  # one for each use
            template = {one["name"]: one["template"] for one in template}.get("default")
        if not isinstance(template, str):
            raise UnsupportedWeights(
                f"{self._folder} has no chat template: put one beside its weights, as "
                f"{CHAT_TEMPLATE_NAME}"
            )
        return template


def read_json(path: Path, *, default: Document | None = None) -> Document:
    """A JSON object, or ``default`` where there is no file. Raises UnsupportedWeights, OSError."""
    if default is not None and not path.exists():
        return default
    try:
        document: Document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnsupportedWeights(f"{path} is missing") from error
    except ValueError as error:
        raise UnsupportedWeights(f"{path} is not JSON: {error}") from error
    return document


def _tokenizer(path: Path) -> Tokenizer:
    if not path.exists():
        raise UnsupportedWeights(
            f"{path} is missing: a folder without it must be saved by transformers first"
        )
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises no narrower class
        raise UnsupportedWeights(f"{path} is not a tokenizer: {error}") from error
