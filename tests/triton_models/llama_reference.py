"""The Llama forward pass in plain numpy, read straight from a GGUF file: an oracle.

It shares nothing with the converter: it keeps GGUF's interleaved rotary order instead of undoing
it, has no cache, and computes every position anew in float64. Slow, and meant to be obvious.

Stored values come from it: ``python -m tests.triton_models.llama_reference FILE.gguf``.
"""

import json
import re
import sys
from copy import copy
from pathlib import Path

import gguf
import numpy as np

_GGUF_NAMES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


class LlamaReference:
    def __init__(self, path: Path) -> None:
        self._reader = gguf.GGUFReader(path)
        self._tensors = {
            tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
            for tensor in self._reader.tensors
        }
        self._heads = self._number("attention.head_count")
        self._key_value_heads = self._number("attention.head_count_kv")

    def logits(self, tokens: list[int]) -> np.ndarray:
        """The logits of what follows ``tokens``."""
        hidden = self._tensors["token_embd.weight"][tokens]
        for layer in range(self._number("block_count")):
            hidden = hidden + self._attend(layer, self._norm(f"blk.{layer}.attn_norm", hidden))
            hidden = hidden + self._feed_forward(layer, self._norm(f"blk.{layer}.ffn_norm", hidden))
        last = self._norm("output_norm", hidden)[-1]
        head = self._tensors.get("output.weight", self._tensors["token_embd.weight"])
        return head @ last

    def with_lora(self, tensors: dict[str, np.ndarray], scale: float) -> "LlamaReference":
        """The same model with an adapter of PEFT's names added to its weights."""
        changed = copy(self)
        changed._tensors = dict(self._tensors)
        for name, down in tensors.items():
            if name.endswith("lora_A.weight"):
                up = tensors[name.replace("lora_A", "lora_B")]
                layer, target = re.search(r"layers\.(\d+)\.\w+\.(\w+)\.lora_A", name).groups()
                change = scale * up.astype(np.float64) @ down
                if target in ("q_proj", "k_proj"):
                    heads = self._heads if target == "q_proj" else self._key_value_heads
                    change = _interleaved(change, heads)
                changed._tensors[f"blk.{layer}.{_GGUF_NAMES[target]}.weight"] = (
                    self._tensors[f"blk.{layer}.{_GGUF_NAMES[target]}.weight"] + change
                )
        return changed

    def greedy(self, tokens: list[int], count: int) -> list[int]:
        """The ``count`` most likely tokens that follow, one after the other."""
        text = list(tokens)
        for _ in range(count):
            text.append(int(np.argmax(self.logits(text))))
        return text[len(tokens) :]

    def _attend(self, layer: int, x: np.ndarray) -> np.ndarray:
        query = self._rotate(self._split(f"blk.{layer}.attn_q", x, self._heads))
        key = self._rotate(self._split(f"blk.{layer}.attn_k", x, self._key_value_heads))
        value = self._split(f"blk.{layer}.attn_v", x, self._key_value_heads)
        count, _, size = query.shape
        future = np.triu(np.full((count, count), -np.inf), 1)
        outputs = []
        for head in range(self._heads):
            shared = head * self._key_value_heads // self._heads
            scores = query[:, head] @ key[:, shared].T / np.sqrt(size) + future
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            outputs.append(weights / weights.sum(axis=1, keepdims=True) @ value[:, shared])
        return self._linear(f"blk.{layer}.attn_output", np.concatenate(outputs, axis=1))

    def _feed_forward(self, layer: int, x: np.ndarray) -> np.ndarray:
        gate = self._linear(f"blk.{layer}.ffn_gate", x)
        up = self._linear(f"blk.{layer}.ffn_up", x)
        return self._linear(f"blk.{layer}.ffn_down", gate / (1 + np.exp(-gate)) * up)

    def _rotate(self, x: np.ndarray) -> np.ndarray:
        """Turns each neighbouring pair of a head by an angle that grows with its position."""
        count, _, size = x.shape
        base = float(self._value("rope.freq_base"))
        frequencies = base ** (-np.arange(0, size, 2) / size)
        angles = np.arange(count)[:, None, None] * frequencies
        turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angles)
        return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape)

    def _split(self, name: str, x: np.ndarray, heads: int) -> np.ndarray:
        return self._linear(name, x).reshape(len(x), heads, -1)

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self._tensors[f"{name}.weight"].T

    def _norm(self, name: str, x: np.ndarray) -> np.ndarray:
        epsilon = float(self._value("attention.layer_norm_rms_epsilon"))
        scale = np.sqrt((x * x).mean(axis=1, keepdims=True) + epsilon)
        return x / scale * self._tensors[f"{name}.weight"]

    def _number(self, name: str) -> int:
        return int(self._value(name))

    def _value(self, name: str) -> object:
        field = self._reader.get_field(f"llama.{name}")
        assert field is not None, name
        return field.contents()


def _interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """GGUF's order of a head's rows: the two halves in turn."""
    outputs, inputs = weight.shape
    halves = weight.reshape(heads, 2, outputs // heads // 2, inputs)
    return halves.swapaxes(1, 2).reshape(outputs, inputs)


def main() -> None:
    """Prints the stored values anew, for prompts given as token ids in the JSON file beside."""
    stored = Path(__file__).with_name("smollm2_reference.json")
    cases = json.loads(stored.read_text())
    reference = LlamaReference(Path(sys.argv[1]))
    for case in cases:
        logits = reference.logits(case["prompt"])
        best = np.argsort(-logits)[:8]
        case["best_logits"] = {str(token): round(float(logits[token]), 5) for token in best}
        case["continuation"] = reference.greedy(case["prompt"], 12)
    print(json.dumps(cases, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
