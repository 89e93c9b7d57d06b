"""Between text and tokens: prompts in, a growing text out."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel, DecodeStream
from tokenizers.pre_tokenizers import ByteLevel as ByteLevelSplit

from .request import InvalidRequest

TOKENIZER_NAME = "tokenizer.json"
CHAT_TEMPLATE_NAME = "chat_template.jinja"
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


class Language:
    """A model's tokenizer and chat template."""

    def __init__(self, directory: Path, *, begin_token: int | None, end_token: int) -> None:
        """``begin_token`` starts every text, also one that no template has put in order."""
        self._tokenizer = Tokenizer.from_file(str(directory / TOKENIZER_NAME))
        self._begin = [] if begin_token is None else [begin_token]
        self._ends = {
            "bos_token": "" if begin_token is None else self._tokenizer.id_to_token(begin_token),
            "eos_token": self._tokenizer.id_to_token(end_token),
        }
        # Sandboxed: the template comes with the weights. Blocks are trimmed as transformers does.
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        template = (directory / CHAT_TEMPLATE_NAME).read_text(encoding="utf-8")
        self._template = environment.from_string(template)

    def encode(self, text: str) -> list[int]:
        """Templates write the first token themselves, where there is one; it is not doubled."""
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens if tokens[:1] == self._begin else self._begin + tokens

    def encode_chat(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """The tokens of a conversation, up to where the assistant speaks next."""
        try:
            text = self._template.render(
                messages=messages, add_generation_prompt=True, **self._ends
            )
        except TemplateError as error:
            raise InvalidRequest(
                f"the model's chat template refuses these messages: {error}"
            ) from error
        return self.encode(text)

    def token_bytes(self, token: int) -> bytes:
        """What a token stands for: perhaps a part of a character only."""
        spelled: str = self._tokenizer.id_to_token(token) or ""
        if isinstance(self._tokenizer.decoder, ByteLevel):
            return b"".join(_BYTE_OF.get(letter, letter.encode()) for letter in spelled)
        if met := _BYTE_TOKEN.fullmatch(spelled):
            return bytes.fromhex(met[1])
        text: str = self._tokenizer.decode([token], skip_special_tokens=False)
        return text.encode()

    def new_text(self, stops: Sequence[str]) -> "GrowingText":
        return GrowingText(self._tokenizer, stops)


def _bytes_by_letter() -> dict[str, bytes]:
    """The letters in which byte-level tokenizers spell bytes (GPT-2's table).

    Printable characters of Latin-1 stand for themselves, other bytes for the letters from U+0100
    on, in order.
    """
    letters = set(ByteLevelSplit.alphabet())
    plain = {byte for byte in range(256) if chr(byte) in letters}
    others = [byte for byte in range(256) if byte not in plain]
    shifted = {chr(256 + place): bytes([byte]) for place, byte in enumerate(others)}
    return {chr(byte): bytes([byte]) for byte in plain} | shifted


_BYTE_OF = _bytes_by_letter()


def parse_messages(document: str) -> list[dict[str, str]]:
    """The messages in a JSON array of ``{"role": …, "content": …}``. Raises InvalidRequest."""
    try:
        messages = json.loads(document)
    except ValueError as error:
        raise InvalidRequest(f"messages is not JSON: {error}") from error
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("messages must be a JSON array of at least one message")
    return [_parse_message(index, message) for index, message in enumerate(messages)]


def _parse_message(index: int, message: Any) -> dict[str, str]:
    if not isinstance(message, dict):
        raise InvalidRequest(f"messages[{index}] must be an object with role and content")
    for field in ("role", "content"):
        if not isinstance(message.get(field), str) or not _is_unicode(message[field]):
            raise InvalidRequest(
                f"messages[{index}].{field} must be a string of Unicode characters"
            )
    return {"role": message["role"], "content": message["content"]}


def _is_unicode(text: str) -> bool:
    """JSON can spell half a surrogate pair, which no tokenizer takes."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class GrowingText:
    """A text that grows token by token, gives away only what is settled, and ends at stop strings.

    Two things are held back: tokens that so far make half a character, and text that may yet turn
    out to begin a stop string.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """The settled text that ``token`` adds; ``stopped`` tells if a stop string ended it."""
        self._held += self._decoder.step(self._tokenizer, token) or ""
        settled, self._held, self.stopped = split_settled(self._held, self._stops)
        return settled

    def flush(self) -> str:
        """What was held back, now that no token will follow. Half a character is dropped."""
        held, self._held = self._held, ""
        return held


def split_settled(text: str, stops: Sequence[str]) -> tuple[str, str, bool]:
    """``text`` as (what may be given away, what must be held, whether a stop string was met)."""
    met = [place for stop in stops if (place := text.find(stop)) >= 0]
    if met:
        return text[: min(met)], "", True
    held = max((_overlap(text, stop) for stop in stops), default=0)
    return text[: len(text) - held], text[len(text) - held :], False


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of ``text`` that begins ``stop``."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
