from collections import Counter

from moorage.simulation.outcome import Counts
from moorage.simulation.search.novelty import Corpus, next_plan, novelty_search
from moorage.simulation.search.swarm import draw
from moorage.simulation.summary import Summary
from simulator.faults.plan import Plan, from_json, to_json

READY = ("Loading", "Ready", "")
DEGRADED = ("Ready", "Degraded", "SPOT")


def came_to(plan: Plan, *triples: tuple[str, str, str]) -> Summary:
    return Summary(plan=plan, trace_hash="", violations=(), counts=Counts(triples=Counter(triples)))


def searched(seeds: range) -> list[Plan]:
    """A run is taken to reach one triple for each of its elements' kinds."""
    told = novelty_search(
        seeds,
        lambda plan: came_to(plan, *((type(one).__name__, repr(one), "") for one in plan.elements)),
        corpus=Corpus(),
    )
    return [one.plan for one in told]


def test_a_plan_that_reaches_something_new_is_kept():
    corpus = Corpus()
    assert corpus.learn(came_to(draw(1), READY))
    assert corpus.learn(came_to(draw(2), READY, DEGRADED))
    assert corpus.plans == [draw(1), draw(2)]
    assert corpus.reached == {READY, DEGRADED}


def test_a_plan_that_reaches_nothing_new_is_not_kept():
    corpus = Corpus()
    corpus.learn(came_to(draw(1), READY))
    assert not corpus.learn(came_to(draw(2), READY))
    assert corpus.plans == [draw(1)]


def test_with_nothing_learnt_plans_are_the_swarms():
    assert next_plan(5, Corpus()) == draw(5)


def test_a_part_of_the_plans_are_changed_ones_of_the_corpus():
    corpus = Corpus(plans=[draw(seed) for seed in range(1000, 1010)])
    plans = [next_plan(seed, corpus) for seed in range(100)]
    changed = [plan for plan in plans if plan != draw(plan.seed)]
    assert 40 < len(changed) < 80
    kept = {one for plan in corpus.plans for one in plan.elements}
    assert all(kept & set(plan.elements) for plan in changed if len(plan.elements) > 8)


def test_changed_plans_survive_json():
    plans = searched(range(60))
    assert [from_json(to_json(plan)) for plan in plans] == plans


def test_a_search_is_the_same_every_time():
    assert searched(range(40)) == searched(range(40))
