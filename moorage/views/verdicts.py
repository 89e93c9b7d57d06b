"""Verdicts on a cluster: in a table for people, as values for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from moorage.simulation.summary import violation_document
from moorage.simulation.verdicts import Verdict

STYLES = {"violated": "bold red", "holds": "green", "not judged": "dim"}
ORDER = list(STYLES)


def verdict_object(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "property": verdict.id,
        "statement": verdict.statement,
        "verdict": verdict.word,
        "whyNot": verdict.why_not,
        "violations": [violation_document(it) for it in verdict.violations],
    }


def verdicts_table(verdicts: Sequence[Verdict]) -> Table:
    """What is violated first, what is not judged last; a line more for each further violation."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    for header in ("PROPERTY", "VERDICT", "MEANING", "FACTS"):
        table.add_column(header, no_wrap=True)
    for verdict in sorted(verdicts, key=lambda it: ORDER.index(it.word)):
        told = _facts(verdict) or [verdict.why_not]
        word = Text(verdict.word, style=STYLES[verdict.word])
        table.add_row(verdict.id, word, _title(verdict), told[0])
        for further in told[1:]:
            table.add_row("", "", "", further)
    return table


def _title(verdict: Verdict) -> str:
    """Statements begin with a few words that name them, before a colon, or are short."""
    return verdict.statement.partition(":")[0]


def _facts(verdict: Verdict) -> list[str]:
    return [f"{it.subject}: {it.facts[0]}, and yet {it.facts[1]}" for it in verdict.violations]
