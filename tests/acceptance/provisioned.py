"""Workspaces that tests make, and the agent pools of the simulated Azure beneath them."""

import json
from typing import Any
from urllib.request import Request, urlopen

from simulator.azure.managed_cluster import ManagedCluster
from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess, eventually


def agent_pool(
    moorage: MoorageProcess, name: str, method: str, body: dict[str, Any] | None = None
) -> None:
    """As somebody does who works on the agent pools themselves."""
    url = f"{moorage.endpoints['azure']}{ManagedCluster().pool_id(name)}?api-version=2025-05-01"
    _azure(url, method, body)


def pools(moorage: MoorageProcess) -> dict[str, str]:
    """The provisioning state of every agent pool, by name."""
    places = ManagedCluster().pool_id("").rstrip("/")
    url = f"{moorage.endpoints['azure']}{places}?api-version=2025-05-01"
    found = {}
    while url:
        page = _azure(url, "GET")
        found |= {one["name"]: one["properties"]["provisioningState"] for one in page["value"]}
        url = page.get("nextLink", "")
    return found


def _azure(url: str, method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer any", "Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:
        told: dict[str, Any] = json.loads(answer.read() or b"{}")
        return told


class Workspaces:
    """Those that a test made; each is gone after it."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self.made: list[str] = []

    def make(
        self,
        name: str,
        instance_type: str,
        *,
        preset: str = "phi-3-mini-4k-instruct",
        preferred: tuple[str, ...] = (),
        apps: str = "",
        **annotations: str,
    ) -> str:
        body = {
            "apiVersion": "kaito.sh/v1alpha1",
            "kind": "Workspace",
            "metadata": {
                "name": name,
                "annotations": {
                    f"moorage.sh/{key.replace('_', '-')}": text for key, text in annotations.items()
                },
            },
            "resource": {
                "instanceType": instance_type,
                "labelSelector": {"matchLabels": {"apps": apps or name}},
                "preferredNodes": preferred,
            },
            "inference": {"preset": {"name": preset}},
        }
        self._kubectl("apply", "-f", "-", stdin=json.dumps(body))
        self.made.append(name)
        return name

    def status(self, name: str) -> dict:
        return self._kubectl.json("get", "workspace", name).get("status", {})

    def until(self, name: str, phase: str) -> dict:
        eventually(lambda: self.status(name).get("phase") == phase, seconds=90)
        return self.status(name)

    def condition(self, name: str, kind: str) -> dict:
        found = {one["type"]: one for one in self.status(name).get("conditions", ())}
        return found.get(kind, {})

    def claims(self, name: str) -> list[dict]:
        return self._kubectl.items("nodeclaims", "-l", f"kaito.sh/workspace={name}")
