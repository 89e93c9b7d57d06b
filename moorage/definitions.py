"""What a cluster must be given before it can hold workspaces: CRDs and the policies that warn."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C is ten times faster, where PyYAML was built with it."""


@cache
def definitions() -> list[dict[str, Any]]:
    """The manifests, in the order in which to apply them."""
    folder = files("deploy") / "crds"
    texts = (
        entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    )
    return [document for text in texts for document in yaml.load_all(text, Loader=_LOADER)]
