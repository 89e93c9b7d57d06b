"""The real kubectl, pointed at the simulated API server."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

KUBECTL = Path(sys.executable).with_name("kubectl")
SECONDS = 30
_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: simulated, cluster: {{server: "{url}"}}}}]
contexts: [{{name: simulated, context: {{cluster: simulated, user: anyone}}}}]
users: [{{name: anyone, user: {{}}}}]
current-context: simulated
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


class Kubectl:
    def __init__(self, directory: Path, url: str) -> None:
        """Discovery is cached by host and port, hence a cache of its own below ``directory``."""
        kubeconfig = directory / "kubeconfig"
        kubeconfig.write_text(_KUBECONFIG.format(url=url))
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "KUBECONFIG": str(kubeconfig),
            "KUBECACHEDIR": str(directory / "cache"),
        }

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            KUBECTL,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._environment | environment,
        )

    async def run(self, *arguments: str, stdin: str = "", **environment: str) -> Outcome:
        process = await self.start(*arguments, **environment)
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())

    async def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> str:
        """What it prints; fails the test where it fails."""
        outcome = await self.run(*arguments, stdin=stdin, **environment)
        assert outcome.code == 0, f"kubectl {' '.join(arguments)}: {outcome.out}{outcome.err}"
        return outcome.out
