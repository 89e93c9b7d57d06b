"""The kubeconfig with which kubectl and every other client finds the cluster."""

import json
from pathlib import Path
from urllib.parse import urlsplit

NAME = "moorage"
OWNER_ONLY = 0o600


def former_port(path: Path) -> int:
    """The port that the file names; 0 where there is no such file."""
    try:
        config = json.loads(path.read_text())
        return urlsplit(config["clusters"][0]["cluster"]["server"]).port or 0
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return 0


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
