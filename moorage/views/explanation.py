"""Where a workspace and its node claims stand, and how the workspace came there."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from moorage.views.durations import countdown, short
from moorage.views.phases import phase_text
from moorage.views.workspaces import instant

Fact = tuple[str, str | Text]
"""A question that a person has, in a word or two, and its answer."""

LABEL_WIDTH = len("what to do")
"""So that the answers of all blocks stand below one another."""

CAPACITY_TYPES = {pb.CAPACITY_TYPE_ON_DEMAND: "on-demand", pb.CAPACITY_TYPE_SPOT: "spot"}


def explanation_view(
    name: str, explanation: service.Explanation, *, now: datetime
) -> RenderableType:
    """A line for each question a person has."""
    return Group(
        *_block(name, _workspace(explanation, now)),
        *(
            part
            for claim in explanation.node_claims
            for part in _block(f"node claim {claim.name}", _node_claim(claim, now))
        ),
        *([Text("history", style="bold"), _history(explanation)] if explanation.history else []),
    )


def _block(title: str, facts: Iterator[Fact]) -> tuple[RenderableType, RenderableType]:
    lines = Table.grid(padding=(0, 2))
    lines.add_column(no_wrap=True, style="dim", min_width=LABEL_WIDTH)
    lines.add_column()
    for label, value in facts:
        lines.add_row(label, value)
    return Text(title, style="bold"), Padding(lines, (0, 0, 0, 2), expand=False)


def _workspace(explanation: service.Explanation, now: datetime) -> Iterator[Fact]:
    yield from _standing(explanation, now)
    if explanation.overdue:
        yield "", Text("nothing has acted on it: the engine may be down", style="bold red")
    yield "why", f"{explanation.message} [{explanation.reason}]"
    if explanation.conditions:
        yield "conditions", _conditions(explanation)
    yield "what to do", explanation.remedy or "nothing: it rests here"


def _standing(of: service.Explanation | service.NodeClaim, now: datetime) -> Iterator[Fact]:
    """Phase, since when, what for and until when."""
    since = instant(of.since_time)
    yield "phase", phase_text(of.phase)
    yield "since", f"{_clock(since)} ({short(now - since)} ago)"
    if of.waiting_for:
        yield "waits for", of.waiting_for
    if of.HasField("deadline_time"):
        deadline = instant(of.deadline_time)
        yield "until", f"{_clock(deadline)} ({countdown(deadline, now)})"


def _conditions(explanation: service.Explanation) -> Text:
    """Those that hold, and those that do not."""
    text = Text()
    for condition in explanation.conditions:
        holds = condition.status == pb.Condition.STATUS_TRUE
        mark = ("✓ ", "green") if holds else ("✗ ", "red")
        text.append(", " if text else "").append(*mark).append(condition.type)
    return text


def _node_claim(claim: service.NodeClaim, now: datetime) -> Iterator[Fact]:
    """Of one that another provisioner drives, only what its conditions and labels tell."""
    if claim.phase:
        yield from _standing(claim, now)
    else:
        yield "ready", "yes" if claim.ready else "no"
    if claim.instance_type:
        yield (
            "instance",
            " ".join(
                [claim.instance_type, *filter(None, [CAPACITY_TYPES.get(claim.capacity_type)])]
            ),
        )
    if claim.HasField("agent_pool"):
        yield from _agent_pool(claim.agent_pool)
    if claim.node:
        yield "node", claim.node
    if claim.message or claim.reason:
        yield "why", f"{claim.message} [{claim.reason}]"
    if claim.remedy:
        yield "what to do", claim.remedy


def _agent_pool(pool: service.AgentPool) -> Iterator[Fact]:
    state = pool.state or "AKS has none of that name yet"
    yield "agent pool", f"{pool.name} of {pool.count} {pool.vm_size}: {state}"
    if pool.labels:
        yield "  labels", "\n".join(f"{key}={pool.labels[key]}" for key in sorted(pool.labels))
    if pool.taints:
        yield "  taints", ", ".join(pool.taints)


def _history(explanation: service.Explanation) -> RenderableType:
    timeline = Table.grid(padding=(0, 2))
    timeline.add_column(no_wrap=True, style="dim")
    timeline.add_column(no_wrap=True, justify="right", style="dim")
    timeline.add_column(no_wrap=True)
    timeline.add_column()
    earlier: datetime | None = None
    for passage in explanation.history:
        at = instant(passage.time)
        after = "" if earlier is None else f"+{(at - earlier).total_seconds():.1f}s"
        timeline.add_row(_clock(at), after, _passage(passage), passage.message)
        earlier = at
    return Padding(timeline, (0, 0, 0, 2), expand=False)


def _passage(passage: pb.Passage) -> Text:
    arrow = phase_text(passage.source).append(" → ", style="dim")
    return arrow.append_text(phase_text(passage.destination))


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
