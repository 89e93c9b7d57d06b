"""Where a workspace stands, and how it came there."""

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


def explanation_view(
    name: str, explanation: service.Explanation, *, now: datetime
) -> RenderableType:
    """A line for each question a person has."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(no_wrap=True, style="dim")
    facts.add_column()
    for label, value in _facts(explanation, now):
        facts.add_row(label, value)
    return Group(
        Text(name, style="bold"),
        Padding(facts, (0, 0, 0, 2), expand=False),
        *([Text("history", style="bold"), _history(explanation)] if explanation.history else []),
    )


def _facts(explanation: service.Explanation, now: datetime) -> Iterator[tuple[str, str | Text]]:
    since = instant(explanation.since_time)
    yield "phase", phase_text(explanation.phase)
    yield "since", f"{_clock(since)} ({short(now - since)} ago)"
    if explanation.waiting_for:
        yield "waits for", explanation.waiting_for
    if explanation.HasField("deadline_time"):
        deadline = instant(explanation.deadline_time)
        yield "until", f"{_clock(deadline)} ({countdown(deadline, now)})"
    if explanation.overdue:
        yield "", Text("nothing has acted on it: the engine may be down", style="bold red")
    yield "why", f"{explanation.message} [{explanation.reason}]"
    yield "what to do", explanation.remedy or "nothing: it rests here"


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
