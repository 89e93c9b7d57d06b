"""What is kept of a run when its history is not: small enough to cross between processes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moorage.simulation.outcome import Counts, Outcome
from simulator.checkers.property import Violation
from simulator.faults.plan import Plan, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    plan: Plan
    trace_hash: str
    violations: tuple[Violation, ...]
    counts: Counts

    @property
    def failed(self) -> bool:
        return bool(self.violations)


def summary(outcome: Outcome) -> Summary:
    return Summary(
        plan=outcome.plan,
        trace_hash=outcome.trace_hash,
        violations=outcome.violations,
        counts=outcome.counts,
    )


def violates(outcome: Outcome, property_id: str) -> bool:
    return any(violation.property == property_id for violation in outcome.violations)


def counts_document(counts: Counts) -> Mapping[str, Any]:
    """For programs; transitions as ``source→destination``, triples as ``phase/trigger/fault``."""
    return {
        "runs": counts.runs,
        "simulated_seconds": round(counts.simulated_seconds, 3),
        "cpu_seconds": round(counts.cpu_seconds, 3),
        "api_calls": counts.api_calls,
        "commits": counts.commits,
        "steps": counts.steps,
        "faults": dict(sorted(counts.faults.items())),
        "transitions": {
            f"{source}→{destination}": times
            for (source, destination), times in sorted(counts.transitions.items())
        },
        "triples_reached": len(counts.triples),
        "triples": {"/".join(triple): times for triple, times in sorted(counts.triples.items())},
    }


def plan_document(plan: Plan) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(to_json(plan))
    return document


def violation_document(violation: Violation) -> Mapping[str, Any]:
    return {
        "property": violation.property,
        "at": violation.at,
        "subject": violation.subject,
        "facts": list(violation.facts),
    }
