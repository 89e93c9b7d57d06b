"""Plants every bug, one at a time, and looks whether the simulation catches it.

``python -m tests.planted.runner [IDS] [--seeds N] [--seconds S]`` keeps what it finds in
``results.json`` and writes ``docs/planted-bugs.md`` anew.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from simulator.faults.plan import to_json
from tests.planted.catalogue import SHAPES, Planted
from tests.planted.mutant import BENIGN, Event, HuntFailed, hunting, patch_of
from tests.planted.results import Results, read, write
from tests.planted.scoreboard import PAGE, page

MINIMIZING_SECONDS = 30.0
PLAN_SEEDS = 5
"""A plan that aims at a shape is tried under so many seeds."""

console = Console()


def catch(shape: str, planted: Planted, *, aimed: bool, seeds: int, seconds: float) -> Event:
    """How the bug was caught, by its own plan or by seeds; without a property where it was not."""
    task = {
        "wanted": list(planted.caught_by),
        "plan": to_json(planted.plan) if aimed else "",
        "seeds": PLAN_SEEDS if aimed else seeds,
        "seconds": seconds,
        "minimizing": MINIMIZING_SECONDS,
    }
    met = list(hunting(patch_of(shape), task))
    return {key: value for event in met for key, value in event.items() if key != "event"}


def alarms(patch: Path | None, *, seeds: int, seconds: float) -> Event:
    """What is violated though nothing is wrong, over so many seeds."""
    task = {"wanted": [], "plan": "", "seeds": seeds, "seconds": seconds, "minimizing": 0.0}
    met = [event for event in hunting(patch, task) if event["event"] != "small"]
    return {key: value for key, value in met[-1].items() if key != "event"}


def main(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Shapes such as B57; all if none.")
    ] = None,
    *,
    seeds: Annotated[int, typer.Option(help="Draws of the swarm for each bug; 0 for none.")] = 60,
    seconds: Annotated[float, typer.Option(help="CPU seconds at most for each bug.")] = 120.0,
    plans: Annotated[bool, typer.Option(help="Also run the plan that aims at each.")] = True,
    benign: Annotated[bool, typer.Option(help="Also run the changes that must not alarm.")] = True,
) -> None:
    """Plant bugs, catch them, and write the scoreboard."""
    results = read()
    chosen = [shape for shape in SHAPES if not ids or shape in ids]
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        now = progress.add_task("", total=None)
        for shape in chosen:
            verdict = SHAPES[shape].verdict
            if isinstance(verdict, Planted):
                progress.update(now, description=f"{shape} {SHAPES[shape].what}")
                _seek(results, shape, verdict, seeds=seeds, seconds=seconds, plans=plans)
                _keep(results)
        for patch in (None, *sorted(BENIGN.glob("*.patch"))) if benign else ():
            name = patch.stem if patch else "unchanged"
            progress.update(now, description=f"no alarm: {name}")
            results.benign[name] = alarms(patch, seeds=seeds, seconds=seconds)
            console.print(f"{name:50} {results.benign[name].get('property', 'no alarm')}")
            _keep(results)


def _seek(
    results: Results, shape: str, verdict: Planted, *, seeds: int, seconds: float, plans: bool
) -> None:
    caught = results.caught.setdefault(shape, {})
    ways = [("plan", plans), ("seeds", bool(seeds) and not verdict.rare)]
    for way, tried in ways:
        if not tried:
            continue
        try:
            found = catch(shape, verdict, aimed=way == "plan", seeds=seeds, seconds=seconds)
        except HuntFailed as error:
            console.print(f"[red]{shape} does not run[/]: {error}")
            continue
        caught[way] = found
        console.print(_line(shape, way, found))


def _line(shape: str, way: str, found: Event) -> str:
    if "property" not in found:
        return f"[red]{shape} by {way:5} not caught in {found['runs']} run(s)[/]"
    size = len(found["plan"]["elements"])
    return (
        f"{shape} by {way:5} {found['property']:4} in {found['runs']:3} run(s), "
        f"{found['seconds']:6.1f} s, {found['drawn']} to {size} elements"
    )


def _keep(results: Results) -> None:
    write(results)
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
