"""``watch`` against a real server, into a pipe."""

from engine.phase import Phase
from engine.reason import Reason
from engine.workspace import WorkspaceRef


def test_watch_ends_when_the_phase_is_reached(cli, served, smollm2):
    meanwhile = served.meanwhile(
        lambda: served.wait_for(smollm2), lambda: served.become_ready(smollm2)
    )
    result = cli("watch", "smollm2", "--until", "ready", "--timeout", "9")
    meanwhile.join()
    assert result.exit_code == 0, result.stderr
    told = [line.split(maxsplit=2)[2] for line in result.stdout.splitlines()]
    assert told == [
        "Pending",
        "Provisioning  waiting for 1 node(s) of local-cpu (0 of 1 node claims ready)",
        "Ready  the model answers",
    ]


def test_watch_until_a_phase_that_it_is_in_returns_at_once(cli, served, smollm2):
    served.become_ready(smollm2)
    assert cli("watch", "--until", "Ready", "--timeout", "5").exit_code == 0


def test_watch_gives_up_after_the_timeout(cli, smollm2):
    result = cli("watch", "smollm2", "--until", "Ready", "--timeout", "0.2")
    assert result.exit_code == 1
    assert "not Ready within 0.2 s" in result.stderr


def test_watch_does_not_wait_for_a_workspace_that_has_failed(cli, served, smollm2):
    served.enter(
        smollm2,
        Phase.FAILED,
        message="it does not fit",
        reason=Reason.PRESET_TOO_LARGE,
        remedy="take a larger one",
    )
    result = cli("watch", "smollm2", "--until", "Ready", "--timeout", "5")
    assert result.exit_code == 1
    assert "smollm2 failed: it does not fit [PresetTooLarge]" in result.stderr
    assert "take a larger one" in result.stderr


def test_watch_can_wait_for_failure(cli, served, smollm2):
    served.enter(smollm2, Phase.FAILED)
    assert cli("watch", "smollm2", "--until", "Failed", "--timeout", "5").exit_code == 0


def test_watch_of_one_workspace_ends_when_it_is_gone(cli, served, smollm2):
    ref = WorkspaceRef(namespace="default", name=smollm2)
    meanwhile = served.meanwhile(lambda: served.do(served.store.delete(ref)))
    result = cli("watch", "smollm2", "--timeout", "9")
    meanwhile.join()
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1].endswith("smollm2  gone")


def test_watch_of_a_name_that_is_not_there_exits_with_3(cli):
    assert cli("watch", "nope", "--until", "Ready").exit_code == 3


def test_watch_until_an_unknown_phase_names_the_known_ones(cli):
    result = cli("watch", "--until", "Redy")
    assert result.exit_code == 2
    assert "Ready" in result.stderr
