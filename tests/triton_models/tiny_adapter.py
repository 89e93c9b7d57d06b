"""LoRA adapters with random weights, in folders as PEFT writes them."""

import json
import struct
from pathlib import Path

import numpy as np

BLOCKS = {"q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn"}
BLOCKS |= {"o_proj": "self_attn"} | dict.fromkeys(("gate_proj", "up_proj", "down_proj"), "mlp")


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], kinds=None) -> None:
    """``kinds`` names a tensor's type where numpy has none: BF16 for an array of uint16."""
    header, start = {}, 0
    names = {np.dtype(np.float32): "F32", np.dtype(np.float16): "F16", np.dtype(np.int64): "I64"}
    for name, tensor in tensors.items():
        kind = (kinds or {}).get(name) or names[tensor.dtype]
        end = start + tensor.nbytes
        header[name] = {"dtype": kind, "shape": tensor.shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    content = b"".join(np.ascontiguousarray(tensor).tobytes() for tensor in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


def random_adapter(shape, *, rank: int, seed: int, size: float = 0.3) -> dict[str, np.ndarray]:
    """Weights of all linears of a ``ModelShape``, large enough to change what is said."""
    random = np.random.default_rng(seed)
    tensors = {}
    for layer in range(shape.layers):
        for part in (part for parts in shape.linears.values() for part in parts):
            name = f"base_model.model.model.layers.{layer}.{BLOCKS[part.target]}.{part.target}"
            down = random.normal(size=(rank, part.inputs)) * size
            up = random.normal(size=(part.outputs, rank)) * size
            tensors[f"{name}.lora_A.weight"] = down.astype(np.float32)
            tensors[f"{name}.lora_B.weight"] = up.astype(np.float32)
    return tensors


def write_adapter(directory: Path, tensors, *, rank: int, alpha: float = 16, **config) -> Path:
    directory.mkdir(parents=True)
    written = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "bias": "none", **config}
    (directory / "adapter_config.json").write_text(json.dumps(written))
    write_safetensors(directory / "adapter_model.safetensors", tensors)
    return directory
