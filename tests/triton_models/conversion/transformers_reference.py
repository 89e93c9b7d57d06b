"""What transformers and torch make of the tiny checkpoints: an oracle, and where its values come
from: ``python -m tests.triton_models.conversion.transformers_reference`` (dependency group
``reference``) writes ``transformers_reference.json`` anew.

Every text is computed whole and without a cache.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .tiny_checkpoints import CONFIGS, write_tiny_checkpoint

STORED = Path(__file__).with_suffix(".json")
PROMPT = [0, 17, 4, 42, 9, 9, 30, 51, 23, 8, 60, 12, 35, 5, 44, 27, 19, 3, 58, 11]
SHORT_PROMPT = PROMPT[:5]  # with what follows, within the context of unstretched rotations
POSITIONS = [0, 9, -1]
COUNT = 10
CASES = {**dict.fromkeys(CONFIGS, PROMPT), "phi3-longrope short": SHORT_PROMPT}


class TransformersReference:
    def __init__(self, folder: Path) -> None:
        import torch  # noqa: PLC0415 - stored values are read without it
        from transformers import AutoModelForCausalLM  # noqa: PLC0415

        self._torch = torch
        self._model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()

    def logits(self, tokens: list[int]) -> np.ndarray:
        """The logits of what follows each of ``tokens``, [tokens, vocabulary]."""
        with self._torch.no_grad():
            return self._model(self._torch.tensor([tokens]), use_cache=False).logits[0].numpy()

    def greedy(self, tokens: list[int], count: int) -> list[int]:
        text = list(tokens)
        for _ in range(count):
            text.append(int(np.argmax(self.logits(text)[-1])))
        return text[len(tokens) :]


def values_of(reference: TransformersReference, prompt: list[int]) -> dict[str, Any]:
    positions = [place for place in POSITIONS if place < len(prompt)]
    logits = reference.logits(prompt)[positions]
    return {
        "prompt": prompt,
        "positions": positions,
        "logits": [[round(float(value), 4) for value in row] for row in logits],
        "continuation": reference.greedy(prompt, COUNT),
    }


def main() -> None:
    values = {}
    with tempfile.TemporaryDirectory() as folder:
        for case, prompt in CASES.items():
            name = case.split()[0]
            reference = TransformersReference(write_tiny_checkpoint(Path(folder) / name, name))
            values[case] = values_of(reference, prompt)
    lines = [f"{json.dumps(case)}: {json.dumps(value)}" for case, value in values.items()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
