"""Commands to the model itself, as JSON: which adapters there are, and which there shall be."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from .adapters import Adapters
from .request import InvalidRequest


@dataclass(frozen=True, slots=True)
class Commands:
    """Adapters are loaded from below ``directory`` alone; None: the graph takes none."""

    adapters: Adapters
    directory: Path | None
    instance: str = field(default_factory=lambda: uuid4().hex)
    """Told with every answer: another one tells that what was asked before will not be answered."""

    def obey(self, document: str) -> str:
        """Carries out ``{"list_adapters": {}}``, ``{"load_adapter": {"name", "directory"}}`` or
        ``{"unload_adapter": {"name"}}``; the adapters that there are then, as JSON.

        Raises InvalidRequest, UnknownAdapter.
        """
        match _parse(document):
            case {"list_adapters": {}}:
                pass
            case {"load_adapter": {"name": str(name), "directory": str(folder)}} if name:
                self.adapters.load(name, self._below(folder))
            case {"unload_adapter": {"name": str(name)}}:
                self.adapters.unload(name)
            case _:
                raise InvalidRequest(
                    "the command is none of list_adapters, load_adapter (name and directory) and "
                    "unload_adapter (name)"
                )
        return json.dumps({"adapters": self.adapters.names, "instance": self.instance})

    def _below(self, folder: str) -> Path:
        if self.directory is None:
            raise InvalidRequest("this model was started without adapters; it cannot load any")
        root = self.directory.resolve()
        path = (root / folder).resolve()
        if not path.is_relative_to(root):
            raise InvalidRequest(f"the adapter's directory must be below {root}")
        return path


def _parse(document: str) -> Any:
    try:
        return json.loads(document)
    except ValueError as error:
        raise InvalidRequest(f"the command is not JSON: {error}") from error
