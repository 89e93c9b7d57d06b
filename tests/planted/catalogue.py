"""The shapes of bugs that control planes are known to have, and what became of each here.

The table is that of the project's survey of failures in operators and cloud controllers: 94
shapes, each seen in the field. A planted one is a patch in ``bugs/``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.faults.plan import Plan
from tests.planted import plans


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """``caught_by``: the property that must break, first, and those that are as right.

    ``plan`` aims at the shape; ``rare`` says that seeds are not worth the wait for it.
    """

    caught_by: tuple[str, ...]
    plan: Plan
    rare: bool = False


@dataclass(frozen=True, slots=True)
class Impossible:
    """This design has no place for it, ``because``."""

    because: str


@dataclass(frozen=True, slots=True)
class Shape:
    what: str
    verdict: Planted | Impossible


def _planted(what: str, plan: Plan, *caught_by: str, rare: bool = False) -> Shape:
    return Shape(what, Planted(caught_by=caught_by, plan=plan, rare=rare))


SHAPES: Mapping[str, Shape] = {
    # Crashes and what lies between two steps.
    "B01": _planted(
        "created under a name that only the process remembers", plans.CREATED, "S7", "S20", "S4"
    ),
    "B02": _planted(
        "of two objects the first stands for both", plans.SECOND_SERVICE_ERROR, "L1", "L12"
    ),
    "B03": _planted(
        "compares with what is written first, and acts no more", plans.CRASH_ON_UPDATE, "L12", "L1"
    ),
    "B04": _planted("waits to see what it has deleted itself", plans.DELETED, "L2", "L12"),
    "B05": _planted("marked as rolled out before it is", plans.ROLLOUT_ERROR, "L12", "L1", "S12"),
    "B06": _planted(
        "what is under way is remembered by the process alone, and asked for anew",
        plans.CRASH_BEFORE_A_POOL_IS_LISTED,
        "N7",
        rare=True,
    ),
    "B07": _planted("the record of a failure is never cleared", plans.CLAIM_ERROR, "L12", "L1"),
    "B08": _planted(
        "a claim is dropped while its machine is there", plans.DELETED, "S14", "S1", "S2"
    ),
    "B09": _planted("acts before its finalizer is held", plans.CREATED, "S13"),
    "B10": _planted("the phase is taken for the deed", plans.CRASH_ON_DELETE, "L2", "L12"),
    "B11": Shape(
        "a taint, cordon or lock that a crash leaves behind",
        Impossible(
            "nothing is set for a while and undone from memory: no cordon, no taint, no lock; "
            "since when a model is silent is stored"
        ),
    ),
    "B12": _planted(
        "how long it may wait is counted in memory", plans.CRASH_WHILE_WAITING, "L12", rare=True
    ),
    # Stale views and going back in time.
    "B13": _planted(
        "a deletion seen in the past destroys the present",
        plans.STALE_RESTART_AFTER_RECREATION,
        "S10",
        "S8",
        rare=True,
    ),
    "B14": _planted(
        "acts on the spec it saw last", plans.EDIT_UNSEEN_BY_ONE_OF_TWO, "S10", rare=True
    ),
    "B15": _planted("children counted in a lagging copy", plans.FROZEN_CLAIMS, "S4", "S7", "S20"),
    "B16": _planted(
        "expects its own writes, for a while", plans.FROZEN_CLAIMS_FOR_LONG, "S4", "S7", "S20"
    ),
    "B17": _planted("means to expect its own writes", plans.FROZEN_CLAIMS, "S4", "S7", "S20"),
    "B18": _planted("not seen yet is taken for gone", plans.FROZEN_CLAIMS, "S4", "L6"),
    "B19": _planted("takes over another incarnation's children", plans.FORCED, "S12", "S3", "L1"),
    "B20": _planted(
        "starts from a list older than what it has done", plans.STALE_SWEEP, "S10", rare=True
    ),
    "B21": _planted("a cache that never forgets", plans.EVICTED, "S12", "L2", "L1", "L12"),
    "B22": _planted("each looks at the other's record", plans.LOST_GPUS, "S12"),
    "B23": _planted(
        "plans again before it sees its own write", plans.FROZEN_CLAIMS_BRIEFLY, "S4", "S7", "S20"
    ),
    # Watches, and what they do not tell.
    "B24": _planted("cleans up only if it sees it happen", plans.FROZEN_DELETION, "L2"),
    "B25": _planted("a step in between is never observed", plans.TWO_EDITS_UNSEEN, "L1"),
    "B26": _planted("resumes from the newest item, not the list", plans.NODES_GAP, "L5"),
    "B27": _planted(
        "asks for an expired version for ever", plans.LOST_GPUS_IN_A_GAP, "S12", "L5", "L1"
    ),
    "B28": _planted(
        "a silent watch is never given up", plans.LOST_GPUS_UNHEARD, "S12", "L1", rare=True
    ),
    "B29": _planted(
        "what happens between list and watch is lost",
        plans.LOST_GPUS_BETWEEN_LISTS,
        "S12",
        "L1",
        rare=True,
    ),
    "B30": _planted("a bookmark is taken for an object", plans.CREATED, "D1", "L8", "L1"),
    "B31": _planted(
        "a kind of child is not watched", plans.SERVICE_REMOVED, "S12", "L1", "L2", "L4", "L5"
    ),
    "B32": _planted("out of sight is taken for gone", plans.NODE_RELABELLED, "S10"),
    # Identity and ownership.
    "B33": _planted("deletes by name", plans.DELETED, "S8"),
    "B34": _planted("what a node's name once meant", plans.LOST_GPUS, "S12"),
    "B35": _planted("named after the workspace's name", plans.RECREATED, "S20", "S3"),
    "B36": _planted("names are cut short, and collide", plans.CREATED_WIDE, "S20", "L1", "S12"),
    "B37": _planted("an owner that does not hold", plans.CREATED, "L5", "L1", "S3", "S12"),
    "B38": _planted("an id put together by hand", plans.CREATED, "L12", "L1"),
    "B39": _planted("lets go before the machine is gone", plans.GHOST_OF_A_NODE, "S1", rare=True),
    "B40": _planted("sweeps what it does not own", plans.OWN_THINGS, "S15"),
    "B41": _planted("two take the same node", plans.TWO_AT_ONCE, "S12", "S3", "L1"),
    # Conflicts, status, and the use of the API.
    "B42": _planted("a conflict is swallowed", plans.CONFLICTS, "L1", "L12", "L2"),
    "B43": _planted("a list of finalizers is replaced unguarded", plans.CREATED, "S8", "S13"),
    "B44": _planted(
        "adds its finalizer to what is being deleted", plans.FOREIGN_FINALIZER, "S16", "S13", "L5"
    ),
    "B45": _planted("a refusal is tried again for ever", plans.REFUSED_OFTEN, "S4", "L6", "L5"),
    "B46": _planted("status goes where it is dropped", plans.CREATED, "L5", "L12", "S11"),
    "B47": _planted("other writers' conditions are lost", plans.FOREIGN_CONDITION, "S14"),
    "B48": _planted("observes a generation before acting on it", plans.BADLY_EDITED, "S11", "L1"),
    "B49": _planted(
        "server defaults are a difference for ever", plans.CREATED_LONG_AGO, "L4", "L5"
    ),
    "B50": _planted("every pass has a new transition time", plans.CREATED, "L4", "L5"),
    "B51": _planted("what concerns nobody wakes everybody", plans.CREATED_LONG_AGO, "L5", "L4"),
    "B52": _planted("tried again under another name", plans.UNKNOWN_CREATE, "S4", "S7", "S20"),
    "B53": _planted("an immutable field is changed", plans.EDITED, "S16", "L1"),
    "B54": _planted("validation holds up a deletion", plans.BAD_DELETED, "L2"),
    "B55": _planted(
        "a kind that is missing decides a deletion",
        plans.KIND_MISSING_AT_DELETION,
        "S1",
        rare=True,
    ),
    "B56": _planted(
        "an unguarded write takes another's back", plans.FOREIGN_ANNOTATION_ON_UPDATE, "S14"
    ),
    # Deletion.
    "B57": _planted("lets go when the delete is accepted", plans.DELETED, "S1"),
    "B58": _planted("gone already is an error", plans.EVICTED_THEN_DELETED, "L2", "L5", rare=True),
    "B59": _planted(
        "what has ended is waited for to disappear", plans.POOL_FAILS_THEN_DELETED, "L2", rare=True
    ),
    "B60": _planted("takes down in the wrong order, and leaves some", plans.DELETED, "S1"),
    "B61": _planted(
        "asks for one deletion again and again", plans.TOUCHED_WHILE_DELETING, "S5", "L5"
    ),
    "B62": _planted("makes children while it takes them down", plans.DELETED, "S17", "L6", "L2"),
    "B63": _planted(
        "a deletion waits for a create that fails", plans.DELETED_WHILE_LAUNCHING, "L2", "S17"
    ),
    "B64": _planted("no timestamp is taken for the epoch", plans.SILENT, "S10"),
    "B65": _planted("a pod is deleted by name", plans.SILENT, "S8"),
    "B66": _planted("a sweep races with a create", plans.SLOW_SWEEP, "S10", rare=True),
    # Operations that take long.
    "B67": _planted("a passing refusal is taken for the last word", plans.CLAIM_ERROR, "L12"),
    "B68": Shape(
        "two operations on one cluster override each other",
        Impossible(
            "a pool knows two operations: its creation, which Azure refuses where the pool is "
            "there already, and its deletion, which is meant to override; pools exclude nobody"
        ),
    ),
    "B69": _planted("gives up early, and begins under a new name", plans.SLOW_LAUNCH, "S4", "L6"),
    "B70": _planted("asks again sooner than it was told", plans.THROTTLED, "L5"),
    "B71": _planted("failed is taken for absent", plans.REFUSED_THEN_RETRIED, "S4", "L1"),
    "B72": _planted("a refusal that is understood by nobody", plans.REFUSED, "L12"),
    "B73": _planted(
        "a deadline fires as what it waited for arrives",
        plans.LAUNCHED_AT_THE_DEADLINE,
        "L12",
        "S10",
        rare=True,
    ),
    # GPUs, pods and models.
    "B74": _planted("a ready node is taken for a ready GPU", plans.LOST_GPUS, "S12"),
    "B75": _planted("claims are counted for nodes", plans.LOST_GPUS, "S12", "L1"),
    "B76": _planted("a slow start is taken for a dead one", plans.CREATED, "L1", "L12"),
    "B77": _planted("a ready server is taken for a ready model", plans.SILENT, "S12"),
    "B78": _planted(
        "a bad rollout holds up the good one", plans.FAILING_EDIT_REVERTED, "L12", "L1", rare=True
    ),
    "B79": _planted("a lost GPU is not noticed", plans.LOST_GPUS, "S12"),
    "B80": _planted("the cause is hidden behind a general reason", plans.REFUSED, "L12"),
    # Who acts, and what runs beside what.
    "B81": _planted("writes without a fence", plans.CREATED, "S9", "S8"),
    "B82": _planted("of two writers the last one wins", plans.TWO_ENGINES, "S6", "S9", "S4"),
    "B83": Shape(
        "a jump of the clock ends a lease",
        Impossible(
            "there is no lease; deadlines are stored instants that every engine must agree on, and "
            "a jump can only end such a wait early or late, which L13 judges"
        ),
    ),
    "B84": _planted("two tasks work on one workspace", plans.CREATED, "D1", "S5", "S6", "S4"),
    "B85": Shape(
        "an event cancels the action under way",
        Impossible(
            "the machine has no callbacks and performs nothing; a turn that is cancelled anywhere "
            "is a crash at that await, after which all duties are asked again"
        ),
    ),
    "B86": _planted("acts on arrival, and once", plans.CLAIM_ERROR, "L12", "L1"),
    "B87": _planted("waits for an event before it begins", plans.CREATED, "L1", "L8", "L12"),
    "B88": _planted("one workspace holds up the others", plans.POISONED, "L7", rare=True),
    # The API.
    "B89": _planted("acknowledged before it is stored", plans.CREATED, "Q1"),
    "B90": _planted("request ids are forgotten", plans.REPEATED_EDIT, "Q2"),
    "B91": _planted("an unknown outcome is taken for new work", plans.UNKNOWN_WORKSPACE, "Q6"),
    "B92": Shape(
        "a caller who leaves takes the work along",
        Impossible(
            "the work is one write that bears its request's mark; whether it was cut off before or "
            "after that write, who asks again under the same id learns which"
        ),
    ),
    "B93": _planted("a resumed stream skips or repeats", plans.RESUMED_WATCH, "Q5"),
    "B94": _planted("a Get older than what was acknowledged", plans.LOOKED_AROUND_AN_EDIT, "Q4"),
}
