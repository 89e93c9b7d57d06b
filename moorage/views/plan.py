"""What would be created for a workspace, and why."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.action import headless_service_name
from engine.workspace import WorkspaceRef


def plan_view(ref: WorkspaceRef, plan: pb.Plan) -> RenderableType:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column()
    for label, value in _facts(ref, plan):
        facts.add_row(label, value)
    return Group(Text(str(ref), style="bold"), Padding(facts, (0, 0, 0, 2), expand=False))


def _facts(ref: WorkspaceRef, plan: pb.Plan) -> Iterator[tuple[str, str]]:
    yield "nodes", f"{plan.node_count} x {plan.instance_type}"
    gpus = plan.node_count * plan.gpus_per_node
    yield "GPUs", f"{gpus} ({plan.gpus_per_node} a node)" if gpus else "none"
    yield "disk", f"{plan.disk_gib} GiB a node"
    yield "model", plan.preset
    yield "why", plan.why
    created = (
        f"{plan.node_count} NodeClaim(s); StatefulSet {ref.name} with {plan.node_count} pod(s); "
        f"Services {ref.name} and {headless_service_name(ref)}"
    )
    yield "would create", created


def refusal_view(ref: WorkspaceRef, refusal: service.PlanRefusal) -> RenderableType:
    return Group(
        Text(str(ref), style="bold").append("  nothing would be created", style="bold red"),
        Text(f"  why         {refusal.message} [{refusal.reason}]"),
        Text(f"  what to do  {refusal.remedy}"),
    )
