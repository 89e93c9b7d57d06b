"""What a change of a workspace costs: the API server's core, then the same through the real client.

``python -m tests.benchmarks.api_server``
"""

import asyncio
import json
from itertools import count

from adapters.kubernetes.kinds import WORKSPACE
from adapters.kubernetes.workspace_codec import decode, manifest
from engine.workspace import WorkspaceRef
from tests.adapters.kubernetes.conftest import connected, simulated
from tests.benchmarks.rounds import compare
from tests.engine.scenes import SMALL

CYCLES = 50
PATH = WORKSPACE.path("default")
MERGE = {"Content-Type": "application/merge-patch+json"}
PATCH = {"status": {"phase": "Planning", "message": "m"}}
numbers = count()


def body(name: str) -> dict:
    return manifest(WorkspaceRef(namespace="default", name=name), SMALL, {})


async def main() -> None:
    server = simulated()
    async with connected(server) as objects:

        async def core() -> None:
            for _ in range(CYCLES):
                name = f"w{next(numbers)}"
                await server.handle("POST", PATH, {}, json.dumps(body(name)).encode())
                await server.handle(
                    "PATCH", f"{PATH}/{name}/status", MERGE, json.dumps(PATCH).encode()
                )

        async def client() -> None:
            for _ in range(CYCLES):
                name = f"w{next(numbers)}"
                await objects.create(WORKSPACE, body(name))
                patched = await objects.merge(
                    WORKSPACE, name, "default", PATCH, subresource="status"
                )
                assert patched["status"]["phase"] == "Planning"

        async def reading() -> None:
            for _ in range(CYCLES):
                decode(await objects.get(WORKSPACE, "w0", "default") | {"status": {}})

        await compare(
            "create a workspace and patch its status",
            {"core, in process": core, "client over loopback": client, "client, one GET": reading},
            rounds=7,
            each=CYCLES,
        )
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
