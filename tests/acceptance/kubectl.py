"""The real kubectl, with nothing of the machine's own configuration."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BINARY = Path(sys.executable).with_name("kubectl")
TIMEOUT_SECONDS = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


class Kubectl:
    def __init__(self, kubeconfig: Path, cache: Path) -> None:
        self.kubeconfig = kubeconfig
        self.environment = {
            "KUBECONFIG": str(kubeconfig),
            "KUBECACHEDIR": str(cache),
            "HOME": str(cache),
            "PATH": f"{BINARY.parent}:/usr/bin:/bin",
        }

    def run(
        self, *arguments: str, stdin: str | None = None, env: dict[str, str] | None = None
    ) -> Outcome:
        """Whatever comes of it."""
        done = subprocess.run(
            [str(BINARY), *arguments],
            env=self.environment | (env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments: str, stdin: str | None = None, **more: Any) -> str:
        """Standard output of a command that must succeed."""
        outcome = self.run(*arguments, stdin=stdin, **more)
        assert outcome.code == 0, f"kubectl {' '.join(arguments)}: {outcome.err}{outcome.out}"
        return outcome.out

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "-o", "json"))

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json("get", *arguments)["items"]
        return found

    def names(self, *arguments: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.items(*arguments)}
