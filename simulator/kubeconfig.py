"""The kubeconfig with which kubectl and every other client finds the cluster."""

import json
from pathlib import Path

NAME = "moorage"
OWNER_ONLY = 0o600


def write_kubeconfig(path: Path, url: str) -> None:
    """Replaces the file at once: no reader ever sees half of it. JSON is YAML too."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {"server": url}}],
        "users": [{"name": NAME, "user": {}}],
        "contexts": [
            {"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": "default"}}
        ],
        "current-context": NAME,
    }
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(json.dumps(config, indent=2) + "\n")
    unfinished.chmod(OWNER_ONLY)
    unfinished.replace(path)
