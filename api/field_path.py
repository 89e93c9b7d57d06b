"""Field paths as this API spells them."""

import re

_OF_THE_REQUEST = {"metadata.name": "workspace_id", "metadata.namespace": "parent"}
_RENAMED = {
    "resource.label_selector": "resource.match_labels",
}
_RENAMED_PARTS = {"volume_source": "volume"}
_LEFT_OUT = {"preset_options", "spec", "metadata"}
_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")


def api_path(path: str) -> str:
    """``resource.instanceType``, as KAITO spells it, is ``workspace.resource.instance_type``."""
    snake = _CAPITAL.sub(lambda match: f"_{match[0]}", path).lower()
    if snake in _OF_THE_REQUEST:
        return _OF_THE_REQUEST[snake]
    parts = (_RENAMED_PARTS.get(part, part) for part in snake.split("."))
    kept = ".".join(part for part in parts if part not in _LEFT_OUT)
    return f"workspace.{_RENAMED.get(kept, kept)}"
