"""The log tells what happened, without what is routine."""

import pytest

from moorage.simulation.event_log import around, log_lines, text_lines
from simulator.history import History
from tests.moorage.simulation.made import call, commit, history, obj, removal


def told(**more):
    return log_lines(history(), **more)


def test_a_passage_of_a_workspace_says_from_where_to_where():
    moves = [(line.at, line.move) for line in told() if line.move]
    assert moves == [(2.0, "Pending→Planning"), (130.0, "Planning→Ready")]


def ready(kind, is_ready):
    return obj(kind, "it", conditions=[{"type": "Ready", "status": str(is_ready)}])


@pytest.mark.parametrize(
    ("before", "after", "move"),
    [
        (obj("Pod", "p", phase="Pending"), obj("Pod", "p", phase="Running"), "Pending→Running"),
        (
            ready("Pod", False) | {"status": {"phase": "Running"}},
            ready("Pod", True),
            "Running→Ready",
        ),
        (ready("Node", True), ready("Node", False), "Ready→NotReady"),
        (ready("NodeClaim", False), ready("NodeClaim", True), "NotReady→Ready"),
        (
            obj("StatefulSet", "w0") | {"spec": {"replicas": 2}},
            obj("StatefulSet", "w0", readyReplicas=1) | {"spec": {"replicas": 2}},
            "0/2→1/2",
        ),
    ],
)
def test_what_serves_a_workspace_says_how_it_stands(before, after, move):
    only = History()
    only.add(commit(1.0, after, before, actor="cluster"))
    (line,) = log_lines(only)
    assert line.move == move


def test_a_change_by_the_cluster_that_leads_nowhere_is_routine():
    only = History()
    only.add(commit(1.0, ready("Node", True), ready("Node", True), actor="cluster"))
    only.add(commit(2.0, ready("Node", True), ready("Node", True), actor="somebody"))
    assert [line.at for line in log_lines(only)] == [2.0]


def test_a_deletion_that_is_asked_for_is_told_apart_from_a_change():
    before = obj("Pod", "p", owner="w0")
    going = before | {
        "metadata": before["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    }
    only = History()
    only.add(commit(1.0, going, before))
    only.add(removal(2.0, going))
    assert [line.operation for line in log_lines(only)] == ["deletes", "removed"]


def test_a_change_says_who_made_it_to_what_of_which_workspace():
    (line,) = (line for line in told() if line.object == "StatefulSet/w0" and line.revision == "4")
    assert (line.actor, line.workspace, line.operation) == ("engine-1", "w0", "created")


def test_a_request_is_told_where_its_answer_was_not_the_truth():
    (line,) = (line for line in told() if line.operation == "apply" and line.at == 5.0)
    assert line.result == "504 Timeout (truly 200)"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 0, "carried_out": 200}, "no answer (truly 200)"),
        ({"status": 500, "carried_out": 0}, "500 Timeout (truly not carried out)"),
        ({"status": 409, "carried_out": 409}, "409 Timeout"),
    ],
)
def test_what_a_client_was_told_and_what_was_done_are_kept_apart(answer, said):
    only = History()
    only.add(call(1.0, **answer))
    (line,) = log_lines(only)
    assert line.result == said


def test_routine_is_told_only_when_everything_is_asked_for():
    brief, full = told(), told(everything=True)
    assert not [line for line in brief if line.object.startswith("Lease")]
    assert not [line for line in brief if line.operation == "get"]
    assert len(full) == len(history().records)
    assert [line for line in full if line in brief] == brief


def test_lines_are_in_the_order_of_time():
    """A request is recorded when it is over, and told when it was sent."""
    late = History()
    late.add(commit(4.0, obj("Pod", "p")))
    late.add(call(3.0, status=504, carried_out=200))
    assert [line.at for line in log_lines(late)] == [3.0, 4.0]


def test_what_is_around_an_instant_has_more_of_what_led_to_it():
    lines = told()
    near = around(lines, 130.0, before=3, after=2)
    assert near == lines[lines.index(near[0]) :][:5]
    assert near[2].move == "Planning→Ready"
    assert around(lines, 0.0, before=3, after=1)[0] == lines[0]


def test_columns_are_fixed():
    header, *rows = text_lines(told())
    start = header.index("workspace")
    assert all(row[start - 1] == " " for row in rows if len(row) > start)
    assert any(row[start:].startswith("w0 ") for row in rows)
    assert header.split() == ["t", "actor", "workspace", "state", "op", *header.split()[5:]]
