"""Workspaces in a table, and the news of one in a line."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.table import Table
from rich.text import Text

from api.v1 import workspace_pb2 as pb
from engine.phase import Phase
from engine.reason import Reason
from moorage.views.durations import countdown, short
from moorage.views.phases import phase_text

Cell = Callable[[pb.Workspace, datetime], str | Text]


class Column(NamedTuple):
    header: str
    cell: Cell


def instant(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(UTC)


def plain_name(workspace: pb.Workspace) -> str:
    return workspace.name.rpartition("/")[2]


def namespace(workspace: pb.Workspace) -> str:
    return workspace.name.split("/")[1]


def _deadline(workspace: pb.Workspace, now: datetime) -> str:
    if not workspace.HasField("deadline_time"):
        return ""
    return countdown(instant(workspace.deadline_time), now)


NAMESPACE = Column("NAMESPACE", lambda workspace, _: namespace(workspace))
NAME = Column("NAME", lambda workspace, _: Text(plain_name(workspace), style="bold"))
PHASE = Column("PHASE", lambda workspace, _: phase_text(workspace.phase))
SINCE = Column("SINCE", lambda workspace, now: short(now - instant(workspace.phase_since_time)))
WAITING_FOR = Column("WAITING FOR", lambda workspace, _: workspace.waiting_for)
DEADLINE = Column("DEADLINE", _deadline)
ENDPOINT = Column("ENDPOINT", lambda workspace, _: workspace.endpoints.http)
INSTANCE = Column("INSTANCE", lambda workspace, _: workspace.resource.instance_type)
NODES = Column("NODES", lambda workspace, _: ",".join(workspace.worker_nodes))
ATTEMPT = Column("ATTEMPT", lambda workspace, _: str(workspace.attempt))
REASON = Column("REASON", lambda workspace, _: workspace.reason)
MESSAGE = Column("MESSAGE", lambda workspace, _: workspace.message)

NORMAL = (NAME, PHASE, SINCE, WAITING_FOR, DEADLINE, ENDPOINT)
WIDE = (*NORMAL, INSTANCE, NODES, ATTEMPT, REASON, MESSAGE)


def plain_table(
    workspaces: Iterable[pb.Workspace], *, columns: Sequence[Column], now: datetime
) -> Table:
    """As kubectl prints one: no frame, one line a workspace."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    for column in columns:
        table.add_column(column.header, no_wrap=True)
    for workspace in workspaces:
        table.add_row(*(column.cell(workspace, now) for column in columns))
    return table


def live_table(workspaces: Sequence[pb.Workspace], *, now: datetime) -> Table:
    """For a terminal, drawn again and again; the columns keep their places."""
    table = Table(box=box.ROUNDED, title="workspaces", title_justify="left", expand=True)
    table.add_column("name", no_wrap=True)
    table.add_column("phase", no_wrap=True, min_width=12)
    table.add_column("since", no_wrap=True, justify="right", min_width=6)
    table.add_column("waiting for", ratio=1)
    table.add_column("gives up", no_wrap=True, justify="right", min_width=9)
    for workspace in workspaces:
        table.add_row(
            plain_name(workspace),
            phase_text(workspace.phase),
            SINCE.cell(workspace, now),
            _news(workspace),
            _deadline(workspace, now),
        )
    if not workspaces:
        table.add_row("", "", "", Text("none yet: `kubectl apply` or `moorage apply` one", "dim"))
    return table


def _news(workspace: pb.Workspace) -> Text:
    """What it waits for, or what became of it."""
    if workspace.waiting_for:
        detail = Text(f"\n{workspace.message}", style="dim") if workspace.message else Text()
        return Text(workspace.waiting_for).append_text(detail)
    if workspace.remedy:
        return Text(workspace.message).append(f"\n{workspace.remedy}", style="dim")
    if workspace.phase == Phase.READY and workspace.reason == Reason.SERVING:
        return Text("answers at ").append(workspace.endpoints.http, style="green")
    return Text(workspace.message)


def news_line(workspace: pb.Workspace) -> Text:
    """For a log: where it stands and what it waits for."""
    line = Text(f"{plain_name(workspace)}  ").append_text(phase_text(workspace.phase))
    detail = workspace.message
    if workspace.waiting_for:
        detail = f"waiting for {workspace.waiting_for}" + (f" ({detail})" if detail else "")
    return line.append(f"  {detail}", style="dim") if detail else line


def removal_line(workspace: pb.Workspace) -> Text:
    return Text(f"{plain_name(workspace)}  ").append("gone", style="dim")
