"""Makes tokenizer and chat template from a GGUF file's metadata alone."""

from pathlib import Path

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from triton_models.chat_lm.generation.text import CHAT_TEMPLATE_NAME, TOKENIZER_NAME

from .gguf_weights import GgufWeights, UnsupportedWeights


def write_language(weights: GgufWeights, directory: Path) -> None:
    """Writes both files into ``directory``. Raises UnsupportedWeights, OSError."""
    template = weights.metadata("tokenizer.chat_template")
    if template is None:
        raise UnsupportedWeights("it has no chat template")
    (directory / CHAT_TEMPLATE_NAME).write_text(template, encoding="utf-8")
    _tokenizer(weights).save(str(directory / TOKENIZER_NAME))


def _tokenizer(weights: GgufWeights) -> Tokenizer:
    kind = weights.metadata("tokenizer.ggml.model"), weights.metadata("tokenizer.ggml.pre")
    if kind != ("gpt2", "smollm"):
        raise UnsupportedWeights(f"its tokenizer {kind} is not the byte-level BPE of SmolLM")
    tokens = weights.metadata("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in weights.metadata("tokenizer.ggml.merges")]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = weights.metadata("tokenizer.ggml.token_type")
    special = [
        AddedToken(token, special=True, normalized=False)
        for token, kind in zip(tokens, kinds, strict=True)
        if kind == gguf.TokenType.CONTROL
    ]
    tokenizer.add_special_tokens(special)
    return tokenizer
