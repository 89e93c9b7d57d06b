"""Makes tokenizer and chat template from a GGUF file's metadata alone.

Pre-tokenizers are those of the published tokenizers that GGUF's ``tokenizer.ggml.pre`` stands for.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from triton_models.chat_lm.generation.text import CHAT_TEMPLATE_NAME, TOKENIZER_NAME

from .checkpoint import TextEnds, UnsupportedWeights

Metadata = Callable[[str], Any]

_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def _split(words: str) -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(words), behavior="isolated")
    return pre_tokenizers.Sequence([split, _BYTES])


_PRE_TOKENIZERS: Mapping[str, pre_tokenizers.PreTokenizer] = MappingProxyType(
    {
        "llama-bpe": _split(_WORDS.replace("DIGITS", r"\p{N}{1,3}")),
        "qwen2": _split(_WORDS.replace("DIGITS", r"\p{N}")),
        "smollm": pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        ),
    }
)
_BEGINS_TEXTS = {"llama-bpe"}  # unless the file says otherwise


def text_ends(metadata: Metadata) -> TextEnds:
    """Which tokens begin and end texts. Raises UnsupportedWeights."""
    ends = [metadata(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot")]
    known = tuple(dict.fromkeys(int(end) for end in ends if end is not None))
    if not known:
        raise UnsupportedWeights("it names no token that ends a text")
    begins = metadata("tokenizer.ggml.add_bos_token")
    if begins is None:
        begins = metadata("tokenizer.ggml.pre") in _BEGINS_TEXTS
    begin = metadata("tokenizer.ggml.bos_token_id") if begins else None
    return TextEnds(begin_token=begin, end_tokens=known)


def write_language(metadata: Metadata, directory: Path) -> None:
    """Writes both files into ``directory``. Raises UnsupportedWeights, OSError."""
    template = _needed(metadata, "tokenizer.chat_template")
    tokenizer = _tokenizer(metadata)
    tokenizer.save(str(directory / TOKENIZER_NAME))
    (directory / CHAT_TEMPLATE_NAME).write_text(template, encoding="utf-8")


def _tokenizer(metadata: Metadata) -> Tokenizer:
    model, pre = (metadata(f"tokenizer.ggml.{key}") for key in ("model", "pre"))
    if model != "gpt2" or pre not in _PRE_TOKENIZERS:
        raise UnsupportedWeights(
            f"its tokenizer is {model!r} with {pre!r}, and can be made from GGUF only for 'gpt2' "
            f"with {', '.join(_PRE_TOKENIZERS)}: convert the Hugging Face folder instead"
        )
    tokens = _needed(metadata, "tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in _needed(metadata, "tokenizer.ggml.merges")]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    whole_words = pre == "llama-bpe"  # a word that is a token needs no merges
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=whole_words))
    tokenizer.pre_tokenizer = _PRE_TOKENIZERS[pre]
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(_special_tokens(tokens, metadata)))
    return tokenizer


def _special_tokens(tokens: list[str], metadata: Metadata) -> Iterator[AddedToken]:
    kinds = _needed(metadata, "tokenizer.ggml.token_type")
    for token, kind in zip(tokens, kinds, strict=True):
        if kind == gguf.TokenType.CONTROL:
            yield AddedToken(token, special=True, normalized=False)


def _needed(metadata: Metadata, key: str) -> Any:
    if (value := metadata(key)) is None:
        raise UnsupportedWeights(f"metadata {key} is missing")
    return value
