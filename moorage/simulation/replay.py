"""A run as one line that anybody can paste into a shell."""

import shlex

from simulator.faults.plan import Plan, to_json


def replay_line(plan: Plan) -> str:
    return f"moorage simulate --replay {shlex.quote(to_json(plan))}"
