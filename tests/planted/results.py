"""What the last hunt for every planted bug came to, kept beside the bugs."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.planted.mutant import HERE

PATH = HERE / "results.json"


@dataclass(slots=True)
class Results:
    """``caught``: by shape, then "plan" and "seeds", what came of looking for it that way.

    ``benign``: by change, what came of looking for alarms. Both tell how many runs and CPU seconds
    it took, and of a catch the property, the facts and the smallest plan.
    """

    caught: dict[str, dict[str, Any]] = field(default_factory=dict)
    benign: dict[str, dict[str, Any]] = field(default_factory=dict)


def read() -> Results:
    return Results(**json.loads(PATH.read_text(encoding="utf-8"))) if PATH.exists() else Results()


def write(results: Results) -> None:
    kept = asdict(results)
    kept["caught"] = dict(sorted(kept["caught"].items()))
    PATH.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
