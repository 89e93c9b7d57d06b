"""What would be created for a workspace, and why."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from api.convert.values import CAPACITY_TYPES
from api.v1 import workspace_service_pb2 as service
from engine.action import headless_service_name
from engine.workspace import WorkspaceRef


def plan_view(ref: WorkspaceRef, answer: service.PlanWorkspaceResponse) -> RenderableType:
    """What would be asked for first, and under it all that is accepted instead, in order."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column()
    for label, value in _facts(ref, answer):
        facts.add_row(label, value)
    several = len(answer.candidates) > 1
    return Group(
        Text(str(ref), style="bold"),
        Padding(facts, (0, 0, 0, 2), expand=False),
        *([Text("in order", style="bold"), _candidates(answer)] if several else []),
    )


def _candidates(answer: service.PlanWorkspaceResponse) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for style in ("dim", "", "", "", ""):
        table.add_column(no_wrap=True, style=style)
    for number, candidate in enumerate(answer.candidates, 1):
        passed_over = candidate.HasField("refusal")
        table.add_row(
            str(number),
            candidate.instance_type,
            CAPACITY_TYPES[candidate.capacity_type],
            f"quota {candidate.family}" if candidate.family else "",
            Text(f"passed over: {candidate.refusal.message}", style="red")
            if passed_over
            else f"{candidate.plan.node_count} node(s)",
        )
    return Padding(table, (0, 0, 0, 2), expand=False)


def _facts(ref: WorkspaceRef, answer: service.PlanWorkspaceResponse) -> Iterator[tuple[str, str]]:
    plan = answer.plan
    chosen = next(one for one in answer.candidates if one.HasField("plan"))
    yield "nodes", f"{plan.node_count} x {plan.instance_type}"
    yield "quota", f"{chosen.family}, {CAPACITY_TYPES[chosen.capacity_type]}"
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
