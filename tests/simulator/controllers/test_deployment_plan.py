import pytest

from simulator.controllers.deployment_plan import max_surge, max_unavailable, plan


def deployment(replicas=4, surge=1, unavailable=1):
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"spec": {"replicas": replicas, "strategy": strategy}}


def replica_set(name, replicas, available, *, observed=1):
    return {
        "metadata": {"name": name, "uid": name, "generation": 1},
        "spec": {"replicas": replicas},
        "status": {
            "replicas": replicas,
            "availableReplicas": available,
            "observedGeneration": observed,
        },
    }


def scales(new, *old, of=None):
    return {
        scale.replica_set["metadata"]["name"]: scale.replicas
        for scale in plan(of or deployment(), new, old)
    }


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ((0, 0), (4, 4), {"new": 1}),
        ((1, 0), (4, 4), {"old": 3}),
        ((1, 0), (3, 3), {"new": 2}),
        ((2, 0), (3, 3), {}),
        ((2, 1), (3, 3), {"old": 2}),
        ((4, 4), (1, 1), {"old": 0}),
        ((4, 4), (0, 0), {}),
    ],
)
def test_a_rollout_moves_one_step_at_a_time(new, old, expected):
    assert scales(replica_set("new", *new), replica_set("old", *old)) == expected


def test_nothing_shrinks_before_every_set_has_counted_its_pods():
    new, old = replica_set("new", 1, 0), replica_set("old", 4, 4, observed=0)
    assert scales(new, old) == {}


def test_pods_that_serve_nobody_go_before_those_that_do():
    new = replica_set("new", 0, 0)
    broken, healthy = replica_set("broken", 2, 0), replica_set("healthy", 3, 3)
    assert scales(new, healthy, broken) == {"broken": 0}


def test_broken_new_pods_do_not_pay_for_healthy_old_ones():
    new, old = replica_set("new", 2, 0), replica_set("old", 3, 3)
    assert scales(new, old) == {}


@pytest.mark.parametrize(
    ("surge", "unavailable", "bounds"),
    [(1, 0, (1, 0)), ("25%", "25%", (2, 1)), (0, 0, (0, 1)), (0, "100%", (0, 5)), (0, 9, (0, 5))],
)
def test_shares_round_in_favour_of_availability(surge, unavailable, bounds):
    given = deployment(5, surge, unavailable)
    assert (max_surge(given), max_unavailable(given)) == bounds
