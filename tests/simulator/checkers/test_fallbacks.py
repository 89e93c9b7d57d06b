"""N8: what a workspace accepts is tried in order, and to its end."""

from typing import Any

from tests.simulator.checkers.story import ENGINE, USER, Story, workspace

FIRST, SECOND = "Standard_NC24ads_A100_v4", "Standard_NC40ads_H100_v5"
ACCEPTS = {
    "moorage.sh/fallback-instance-types": SECOND,
    "moorage.sh/capacity-types": "spot,on-demand",
}
REFUSALS = [
    {"instanceType": FIRST, "capacityType": "spot", "reason": "SpotQuotaReached"},
    {"instanceType": FIRST, "capacityType": "on-demand", "reason": "SubscriptionQuotaReached"},
    {"instanceType": SECOND, "capacityType": "spot", "reason": "SpotQuotaReached"},
]


def _made(story: Story) -> dict[str, Any]:
    return story.put(USER, workspace(annotations=ACCEPTS))


def _tries(story: Story, made: dict[str, Any], candidate: int, refused: list[Any]) -> None:
    status = {"phase": "Planning", "candidate": candidate, "refusedOfferings": refused}
    story.later(60).change(ENGINE, made, status=status)


def _fails(story: Story, made: dict[str, Any], candidate: int, reason: str) -> None:
    told = {"candidate": candidate, "refusedOfferings": REFUSALS[:candidate]}
    story.change(ENGINE, made, status={"phase": "Provisioning", **told})
    failed = {"type": "Launched", "status": "False", "reason": reason}
    claim = {
        "kind": "NodeClaim",
        "metadata": {
            "name": "ws1",
            "uid": "claim-1",
            "ownerReferences": [
                {"kind": "Workspace", "uid": made["metadata"]["uid"], "controller": True}
            ],
        },
        "status": {"conditions": [failed]},
    }
    story.put(ENGINE, claim)
    story.change(ENGINE, made, status={"phase": "Failed", "reason": "NodeClaimRefused", **told})


def test_offerings_tried_one_after_the_other_are_as_the_user_wants_it() -> None:
    story = Story()
    made = _made(story)
    for candidate in range(4):
        _tries(story, made, candidate, REFUSALS[:candidate])
    assert "N8" not in story.found()


def test_an_offering_that_is_passed_over_is_told_of() -> None:
    story = Story()
    made = _made(story)
    _tries(story, made, 1, REFUSALS[:1])
    _tries(story, made, 3, [REFUSALS[0], REFUSALS[2]])
    assert "N8" in story.found()


def test_the_next_offering_is_not_tried_before_this_one_is_refused() -> None:
    story = Story()
    _tries(story, _made(story), 1, [])
    assert "N8" in story.found()


def test_giving_up_for_want_of_quota_before_all_was_tried_is_told_of() -> None:
    story = Story()
    _fails(story, _made(story), 2, "SpotQuotaReached")
    assert "N8" in story.found()


def test_giving_up_for_what_no_other_machine_would_help_is_right() -> None:
    story = Story()
    _fails(story, _made(story), 2, "PolicyDenied")
    assert "N8" not in story.found()


def test_giving_up_after_the_last_offering_is_right() -> None:
    story = Story()
    _fails(story, _made(story), 3, "SubscriptionQuotaReached")
    assert "N8" not in story.found()
