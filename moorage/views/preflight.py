"""What the preflight found: in a table for people, as values for programs."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from moorage.preflight.finding import Finding, Level

STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.MISSING: "bold red"}


def finding_object(finding: Finding) -> Mapping[str, str]:
    return {
        "check": finding.check,
        "level": finding.level.value,
        "found": finding.found,
        "whatToDo": finding.remedy,
    }


def preflight_table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    for header in ("CHECK", "", "FOUND", "WHAT TO DO"):
        table.add_column(header, no_wrap=True)
    for it in findings:
        table.add_row(it.check, Text(it.level.value, style=STYLES[it.level]), it.found, it.remedy)
    return table
