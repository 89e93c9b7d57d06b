"""Every checked-in file that is made from the code; ``python -m moorage.generated`` writes them.

The gRPC stubs have a maker of their own, ``python -m api.generate``.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from adapters.kubernetes.admission import warning_binding, warning_policy
from adapters.kubernetes.crd import workspace_crd
from moorage import rbac
from moorage.diagram import refreshed
from moorage.made_section import with_section
from moorage.refusal_table import refusal_table

ROOT = Path(__file__).parents[1]
HEADER = "# Made from the engine's catalogue and rules by `make generated`; not to be edited.\n"


def _manifests(*objects: dict[str, Any]) -> str:
    # Sharing in memory must not become YAML anchors, which kubectl's users would have to read.
    dumper = type("Plain", (yaml.SafeDumper,), {"ignore_aliases": lambda _self, _data: True})
    documents = yaml.dump_all(objects, Dumper=dumper, sort_keys=False, width=100)
    return HEADER + documents


def _current(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


GENERATED: Mapping[str, Callable[[], str]] = {
    "deploy/crds/kaito.sh_workspaces.yaml": lambda: _manifests(workspace_crd()),
    "deploy/crds/workspace-warnings.yaml": lambda: _manifests(warning_policy(), warning_binding()),
    "docs/agent-pools.md": lambda: with_section(
        _current("docs/agent-pools.md"), "refusals", refusal_table()
    ),
    "deploy/rbac.yaml": lambda: _manifests(*rbac.manifests()),
    "docs/phases.md": lambda: refreshed(_current("docs/phases.md")),
}


def main() -> None:
    for path, make in GENERATED.items():
        (ROOT / path).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
