"""A cluster is judged by what it remembers: the end of a real run holds, and each damage shows."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from moorage.simulation.observed import Cluster
from moorage.simulation.run import run
from moorage.simulation.verdicts import JUDGED_ON, WHY_NOT, confirmed, verdicts
from simulator.checkers.properties import PROPERTIES
from simulator.checkers.property import ComparedProperty, StatedProperty
from simulator.checkers.reading import instant
from simulator.faults.plan import FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At, OnPhase
from simulator.faults.users import Create, Delete, Edit
from simulator.faults.vocabulary import OutOfMemory
from simulator.history import Commit
from simulator.kubernetes.objects import ChangeType
from simulator.virtual_time.clock import EPOCH

PLAN = Plan(
    seed=1,
    setting=Setting(hours=0.75, workspaces=3, schedule="in order"),
    elements=(
        UserElement(user=Create(workspace=0, nodes=2)),
        UserElement(user=Create(workspace=1, through="kubectl")),
        UserElement(user=Create(workspace=2)),
        UserElement(user=Edit(workspace=1), when=OnPhase(workspace=1, phase="Ready", seconds=60)),
        UserElement(user=Delete(workspace=2), when=OnPhase(workspace=2, phase="Ready", seconds=9)),
        FaultElement(fault=OutOfMemory(workspace=0), when=At(seconds=1200)),
    ),
)
OWNED = ("NodeClaim", "StatefulSet", "Service", "Node", "Pod")
LONG_AGO = (EPOCH - timedelta(hours=2)).isoformat()


def cluster(objects, at):
    return Cluster(
        at=EPOCH + timedelta(seconds=at),
        workspaces=[it for it in objects if it["kind"] == "Workspace"],
        objects=[it for it in objects if it["kind"] in OWNED],
        events=[it for it in objects if it["kind"] == "Event"],
    )


@pytest.fixture(scope="module")
def history():
    outcome = run(PLAN)
    assert outcome.violations == ()
    return outcome.history


@pytest.fixture
def ended(history):
    """The cluster as the run left it: two workspaces, both Ready for long."""
    return deepcopy(cluster(history.objects.values(), history.records[-1].at))


def violated(found):
    return {verdict.id for verdict in found if verdict.violations}


def judged(found):
    return {verdict.id for verdict in found if not verdict.why_not}


def workspace(ended, name):
    (found,) = (it for it in ended.workspaces if it["metadata"]["name"] == name)
    return found


def first(ended, kind):
    return next(it for it in ended.objects if it["kind"] == kind)


def test_every_property_is_judged_or_says_why_not():
    judged_ids = [one for ids in JUDGED_ON.values() for one in ids]
    by_type = [it.id for it in PROPERTIES if isinstance(it, ComparedProperty | StatedProperty)]
    assert sorted([*judged_ids, *WHY_NOT, *by_type]) == sorted(it.id for it in PROPERTIES)


def test_what_a_run_leaves_behind_holds(ended):
    found = verdicts(ended)
    assert violated(found) == set()
    assert judged(found) == {one for ids in JUDGED_ON.values() for one in ids}


def test_no_moment_of_a_sound_run_alarms(history):
    objects, looked = {}, -60.0
    for record in history.records:
        if isinstance(record, Commit):
            objects[record.place] = record.now
            if record.type is ChangeType.DELETED:
                del objects[record.place]
        if record.at - looked >= 30:
            looked = record.at
            assert violated(verdicts(cluster(objects.values(), record.at))) == set(), record.at


def test_an_empty_cluster_is_not_judged():
    found = verdicts(Cluster(at=EPOCH, workspaces=()))
    assert judged(found) == set()
    assert all(verdict.word == "not judged" for verdict in found)


def test_what_has_only_just_become_ready_is_not_expected_to_be_at_rest(ended):
    for one in ended.workspaces:
        one["status"]["phaseSince"] = (ended.at - timedelta(seconds=30)).isoformat()
    found = verdicts(ended)
    assert "L1" not in judged(found)
    assert "S6" in judged(found)


def test_a_ready_workspace_that_does_not_serve_breaks_l1(ended):
    first(ended, "Pod")["status"]["conditions"] = []
    assert violated(verdicts(ended)) == {"L1"}


def test_a_node_claim_too_many_is_seen(ended):
    claim = deepcopy(first(ended, "NodeClaim"))
    claim["metadata"] |= {"name": "ws000000000", "uid": "another"}
    more = replace(ended, objects=[*ended.objects, claim])
    assert {"S4", "S20", "O2"} <= violated(verdicts(more))


def test_a_way_that_the_table_does_not_have_breaks_s6(ended):
    one = workspace(ended, "w0")
    passage = {**one["status"]["history"][-1], "from": "Ready", "to": "Pending"}
    one["status"]["history"].append(passage)
    one["status"]["phase"] = "Pending"
    assert "S6" in violated(verdicts(ended))


def test_a_history_that_does_not_lead_to_the_phase_breaks_o3(ended):
    workspace(ended, "w0")["status"]["history"].pop()
    assert "O3" in violated(verdicts(ended))


def test_a_phase_that_waits_for_nothing_in_particular_breaks_l12(ended):
    status = workspace(ended, "w0")["status"]
    status |= {"phase": "Loading", "waitingFor": "", "deadline": ended.at.isoformat()}
    assert "L12" in violated(verdicts(ended))


def test_a_phase_that_outlives_its_deadline_breaks_l12(ended):
    status = workspace(ended, "w0")["status"]
    since = ended.at - timedelta(hours=1)
    status |= {
        "phase": "Loading",
        "waitingFor": "the model",
        "phaseSince": since.isoformat(),
        "deadline": (since + timedelta(minutes=30)).isoformat(),
    }
    (verdict,) = (it for it in verdicts(ended) if it.id == "L12")
    assert verdict.violations[0].facts[1] == "it lasted 3600 s"


def test_a_deletion_without_end_breaks_l2(ended):
    one = workspace(ended, "w0")
    since = (ended.at - timedelta(hours=1)).isoformat()
    one["metadata"]["deletionTimestamp"] = since
    one["status"] |= {"phase": "Deleting", "phaseSince": since, "waitingFor": "its nodes"}
    one["status"]["deadline"] = (ended.at + timedelta(hours=1)).isoformat()
    assert "L2" in violated(verdicts(ended))


def test_what_is_made_for_a_workspace_that_is_being_deleted_breaks_s17(ended):
    one = workspace(ended, "w0")
    made = instant(first(ended, "NodeClaim")["metadata"]["creationTimestamp"])
    before = (made - timedelta(seconds=30)).isoformat()
    one["metadata"] |= {"creationTimestamp": before, "deletionTimestamp": before}
    one["status"] |= {"phase": "Deleting", "phaseSince": before}
    assert "S17" in violated(verdicts(ended))


def test_a_node_said_to_serve_two_breaks_s3(ended):
    nodes = workspace(ended, "w0")["status"]["workerNodes"]
    workspace(ended, "w1")["status"]["workerNodes"] = nodes
    assert "S3" in violated(verdicts(ended))


def test_a_generation_that_does_not_exist_yet_breaks_s11(ended):
    workspace(ended, "w0")["status"]["observedGeneration"] = 99
    assert "S11" in violated(verdicts(ended))


def orphaned(ended):
    events = [it for it in ended.events if it["involvedObject"]["name"] != "w0"]
    rest = [it for it in ended.workspaces if it["metadata"]["name"] != "w0"]
    return replace(ended, workspaces=rest, events=events)


def test_what_belongs_to_nobody_breaks_s2(ended):
    found = verdicts(orphaned(ended))
    assert violated(found) == {"S2"}


def test_what_belonged_to_one_heard_of_lately_may_still_go(ended):
    last = next(it for it in ended.events if it["involvedObject"]["name"] == "w0")
    lately = {**last, "lastTimestamp": (ended.at - timedelta(seconds=60)).isoformat()}
    gone = orphaned(ended)
    assert violated(verdicts(replace(gone, events=[*gone.events, lately]))) == set()


def test_what_is_already_going_is_no_orphan(ended):
    gone = orphaned(ended)
    for obj in gone.objects:
        obj["metadata"]["deletionTimestamp"] = gone.at.isoformat()
    assert "S2" not in violated(verdicts(gone))


def test_a_flood_of_events_breaks_o1(ended):
    one = next(it for it in ended.events if it["source"]["component"] == "moorage")
    flood = [
        {**one, "metadata": {**one["metadata"], "name": f"flood.{number}", "uid": str(number)}}
        for number in range(200)
    ]
    assert violated(verdicts(replace(ended, events=flood))) == {"O1"}


def test_only_what_both_looks_show_is_confirmed(ended):
    sound = verdicts(ended)
    first(ended, "Pod")["status"]["conditions"] = []
    broken = verdicts(ended)
    assert violated(confirmed(broken, broken)) == {"L1"}
    assert violated(confirmed(broken, sound)) == violated(confirmed(sound, broken)) == set()
