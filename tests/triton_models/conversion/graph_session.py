"""Runs a converted graph for tests, with a cache that it is handed and hands back."""

from pathlib import Path

import numpy as np
import onnxruntime

from triton_models.chat_lm.generation.manifest import MODEL_NAME, ModelShape

CAPACITY = 64


class GraphSession:
    def __init__(self, directory: Path, shape: ModelShape, name: str = MODEL_NAME) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(directory / name), options, providers=["CPUExecutionProvider"]
        )
        self._shape = shape

    def empty_cache(self, rows: int = 1) -> list[np.ndarray]:
        shape = (rows, self._shape.key_value_heads, CAPACITY, self._shape.head_size)
        return [np.zeros(shape, self._shape.float_type) for _ in range(2 * self._shape.layers)]

    def run(self, tokens, lengths, cache, *, positions=(-1,), **adapters):
        """Logits [rows, positions, vocabulary] of ``tokens`` [rows, tokens], and the new cache."""
        names = [
            f"past_key_values.{layer}.{part}"
            for layer in range(self._shape.layers)
            for part in ("key", "value")
        ]
        feed = {
            "input_ids": np.asarray(tokens, np.int64),
            "total_lengths": np.asarray(lengths, np.int32),
            "logit_positions": np.asarray(positions, np.int64),
            **dict(zip(names, cache, strict=True)),
            **adapters,
        }
        logits, *present = self._session.run(None, feed)
        return logits.reshape(len(tokens), len(positions), -1), present

    def greedy(self, prompt: list[int], count: int) -> list[int]:
        text = list(prompt)
        logits, cache = self.run([prompt], [len(prompt)], self.empty_cache())
        text.append(int(np.argmax(logits)))
        while len(text) < len(prompt) + count:
            logits, cache = self.run([text[-1:]], [len(text)], cache)
            text.append(int(np.argmax(logits)))
        return text[len(prompt) :]
