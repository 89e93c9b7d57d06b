"""Lays out a model's entry in Triton's model repository.

<repository>/<model>/config.pbtxt, configs/  settings, for CPUs and for GPUs
                     1/model.py, generation/      code, copied from ``chat_lm``
                     1/manifest.json, model.onnx… artefacts, hard-linked or copied
"""

import os
import shutil
from pathlib import Path

from triton_models import chat_lm
from triton_models.chat_lm.generation.manifest import MANIFEST_NAME, read_manifest

VERSION = "1"
_CODE = Path(chat_lm.__file__).parent
_NOT_CODE = shutil.ignore_patterns("__pycache__")


def write_entry(artefacts: Path, entry: Path) -> None:
    """Makes ``entry`` of the artefacts in a folder, atomically, in place of what was there.

    Artefacts are hard-linked where the file system allows, so they must not be written to
    afterwards. That they are intact is the caller's to know. Raises ManifestError, OSError.
    """
    manifest = read_manifest(artefacts)
    partial = entry.with_name(f".{entry.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    version = partial / VERSION
    shutil.copytree(_CODE / VERSION, version, ignore=_NOT_CODE)
    shutil.copytree(_CODE / "generation", version / "generation", ignore=_NOT_CODE)
    shutil.copy2(_CODE / "config.pbtxt", partial)
    (partial / "configs").mkdir()
    (partial / "configs" / "gpu.pbtxt").write_text(gpu_config())
    for name in (*manifest.files, MANIFEST_NAME):
        _link_or_copy(artefacts / name, version / name)
    shutil.rmtree(entry, ignore_errors=True)
    partial.rename(entry)


def gpu_config() -> str:
    """What config.pbtxt says, for GPUs: one instance on each, and nothing else differs.

    It is chosen with ``--model-config-name=gpu``.
    """
    return (_CODE / "config.pbtxt").read_text(encoding="utf-8").replace("KIND_CPU", "KIND_GPU")


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
