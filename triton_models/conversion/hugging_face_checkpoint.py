"""Reads weights from a Hugging Face folder: ``config.json``, safetensors, tokenizer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import gguf
import yaml

from triton_models.chat_lm.generation.manifest import SamplingDefaults
from triton_models.chat_lm.generation.safetensors_file import SafetensorsFile, UnreadableTensors

from .checkpoint import TextEnds, UnsupportedWeights, Weight
from .hugging_face_language import CONFIG_NAME, LANGUAGE_NAMES, HuggingFaceLanguage, read_json
from .hugging_face_network import architecture_of, read_network
from .network import HEAD, LAST_NORM, Network

_WEIGHTS_NAME, _INDEX_NAME = "model.safetensors", "model.safetensors.index.json"
_SUFFIXES = (".weight", ".bias")
_CARD_FENCE = "---"


class HuggingFaceCheckpoint:
    """A ``Checkpoint`` in a folder. Raises UnsupportedWeights, OSError.

    ``context_length`` is the longest to be served; by default the longest there is.
    """

    def __init__(self, folder: Path, *, context_length: int | None = None) -> None:
        self._folder = folder
        self._config = read_json(folder / CONFIG_NAME)
        self._architecture = architecture_of(self._config)
        self._language = HuggingFaceLanguage(folder, self._config)
        with _reading():
            self._shards = [SafetensorsFile(path) for path in _shards(folder)]
        published = {name: shard for shard in self._shards for name in shard.shapes}
        self._tensors = {
            ours: (theirs, shard)
            for theirs, shard in published.items()
            if (ours := self._own_name(theirs)) is not None
        }
        self.network: Network = read_network(
            self._config, has_head=f"{HEAD}.weight" in self._tensors, context_length=context_length
        )
        if self.network.tied_head:  # some have it twice
            self._tensors.pop(f"{HEAD}.weight", None)

    @property
    def text_ends(self) -> TextEnds:
        return self._language.text_ends

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        return self._language.sampling_defaults

    @cached_property
    def licence(self) -> str | None:
        """As the model card says, in the header of README.md."""
        card = self._folder / "README.md"
        if not card.exists():
            return None
        before, _, rest = card.read_text(encoding="utf-8").partition(_CARD_FENCE)
        if before.strip():
            return None
        try:
            header = yaml.safe_load(rest.partition(f"\n{_CARD_FENCE}")[0])
        except yaml.YAMLError as error:
            raise UnsupportedWeights(f"{card} has a header that is not YAML: {error}") from error
        told = header if isinstance(header, dict) else {}
        licence = told.get("license_name") or told.get("license")
        return ", ".join(licence) if isinstance(licence, list) else licence

    @property
    def files(self) -> tuple[Path, ...]:
        """All that decides what it is converted to."""
        language = [self._folder / name for name in (CONFIG_NAME, *LANGUAGE_NAMES)]
        return (*(path for path in language if path.exists()), *_shards(self._folder))

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {ours: shard.shapes[theirs] for ours, (theirs, shard) in self._tensors.items()}

    def tensor(self, name: str) -> Weight:
        if name not in self._tensors:
            raise UnsupportedWeights(f"tensor {name} is missing")
        theirs, shard = self._tensors[name]
        with _reading():
            values = shard.tensor(theirs)
        part = name.split(".")[-2]
        is_norm = part == LAST_NORM or part in self._architecture.norms
        return values + self._architecture.norm_offset if is_norm else values

    def write_language(self, directory: Path) -> None:
        self._language.write(directory)

    def _own_name(self, published: str) -> str | None:
        """GGUF's name of a tensor, or None for what is computed rather than learned."""
        if published.endswith(".rotary_emb.inv_freq"):
            return None
        return self._names.get_name(published, _SUFFIXES) or published

    @cached_property
    def _names(self) -> gguf.TensorNameMap:
        architecture = gguf.MODEL_ARCH[self._architecture.name.upper()]
        return gguf.get_tensor_name_map(architecture, self._config.get("num_hidden_layers", 0))


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except UnreadableTensors as error:
        raise UnsupportedWeights(str(error)) from error


def _shards(folder: Path) -> list[Path]:
    index = folder / _INDEX_NAME
    if index.exists():
        names = sorted(set(read_json(index).get("weight_map", {}).values()))
    else:
        names = [_WEIGHTS_NAME]
    for name in names:
        if not (folder / name).is_file():
            raise UnsupportedWeights(f"{folder / name} is missing")
    return [folder / name for name in names]
