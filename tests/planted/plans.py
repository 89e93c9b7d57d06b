"""Plans that aim at one shape each: what users do, and the faults that expose it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from simulator.faults.azure_vocabulary import ListLags
from simulator.faults.plan import Element, FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At, Calls, OnCall, OnPhase, When
from simulator.faults.users import (
    Create,
    Delete,
    Edit,
    Force,
    GrpcHabits,
    Look,
    Recreate,
    Retry,
    Touch,
    UserAction,
)
from simulator.faults.vocabulary import (
    BringYourOwn,
    Conflicting,
    Crash,
    ErrorAfter,
    ErrorBefore,
    Fault,
    Freeze,
    Gap,
    GpusLost,
    HalfOpen,
    KindMissing,
    LaunchFails,
    LaunchLost,
    LaunchSlow,
    LoadFails,
    ModelSilent,
    Pause,
    Quota,
    SecondEngine,
    Slow,
    SpotEviction,
    StaleRestart,
    Throttle,
    ZombieKubelet,
)
from simulator.faults.vocabulary import ForeignDelete as Removal
from simulator.faults.vocabulary import ForeignRelabel as Relabel

START = At(seconds=5.0)


def plan(*elements: Element, hours: float = 0.25, workspaces: int = 1, **habits: Any) -> Plan:
    setting = Setting(hours=hours, workspaces=workspaces, habits=GrpcHabits(**habits))
    return Plan(setting=setting, elements=(create(), *elements))


def on_azure(planned: Plan) -> Plan:
    """The same, with nodes from our own node engine."""
    return replace(planned, setting=replace(planned.setting, provisioner="moorage"))


def does(action: UserAction, when: When) -> UserElement:
    return UserElement(user=action, when=when)


def strikes(fault: Fault, when: When | None = None) -> FaultElement:
    return FaultElement(fault=fault, when=when or At())


def create(workspace: int = 0, nodes: int = 1, preset: str = "") -> UserElement:
    return does(Create(workspace=workspace, nodes=nodes, preset=preset), START)


def at(phase: str, seconds: float = 0.0, *, nth: int = 1) -> OnPhase:
    return OnPhase(workspace=0, phase=phase, seconds=seconds, nth=nth)


def calls(verb: str, kind: str, **more: Any) -> Calls:
    return Calls(actor="engine", verb=verb, kind=kind, **more)


def served(seconds: float = 30.0) -> OnPhase:
    """So long after it serves for the first time."""
    return at("Ready", seconds)


def with_nodes(nodes: int, elements: Iterable[Element], hours: float = 0.25) -> Plan:
    return Plan(setting=Setting(hours=hours), elements=(create(nodes=nodes), *elements))


EDIT = does(Edit(variant=1), served())
DELETE = does(Delete(), served())
RECREATE = does(Recreate(), served())
GPUS_LOST = strikes(GpusLost(seconds=2000.0), served())
CLAIM_CREATED = calls("create", "NodeClaim")
STATUS_WRITTEN = calls("patch", "Workspace", subresource="status")

CREATED = plan()
CREATED_LONG_AGO = plan(hours=1.5)
CREATED_WIDE = with_nodes(2, ())
DELETED = plan(DELETE)
TOUCHED_WHILE_DELETING = plan(
    DELETE, *(does(Touch(), at("Deleting", 10.0 * number)) for number in range(1, 6))
)
RECREATED = plan(RECREATE, hours=0.3)
EDITED = plan(EDIT)
LOST_GPUS = plan(GPUS_LOST, hours=0.5)
SILENT = plan(strikes(ModelSilent(), served()))
REFUSED = plan(strikes(Quota()))
REFUSED_OFTEN = plan(strikes(Quota(times=3)), hours=0.5)
NEVER_LAUNCHED = plan(strikes(LaunchLost()), hours=0.5)
CLAIM_ERROR = plan(strikes(ErrorBefore(calls=CLAIM_CREATED)))

FROZEN_CLAIMS = plan(strikes(Freeze(kind="NodeClaim", seconds=120.0), At(seconds=1.0)))
FROZEN_CLAIMS_BRIEFLY = plan(strikes(Freeze(kind="NodeClaim", seconds=2.0), At(seconds=4.0)))
FROZEN_CLAIMS_FOR_LONG = plan(strikes(Freeze(kind="NodeClaim", seconds=400.0), At(seconds=1.0)))

CRASH_BEFORE_A_POOL_IS_LISTED = on_azure(
    plan(
        strikes(ListLags(seconds=400.0), at("Provisioning", 0.0)),
        strikes(Crash(down=5.0), at("Provisioning", 240.0)),
    )
)
POOL_FAILS_THEN_DELETED = on_azure(
    plan(strikes(LaunchFails()), does(Delete(), at("Failed", 20.0)), hours=0.5)
)

SECOND_SERVICE_ERROR = plan(
    strikes(
        ErrorBefore(calls=calls("apply", "Service")), OnCall(calls=calls("apply", "Service"), nth=1)
    )
)
CRASH_ON_UPDATE = plan(EDIT, strikes(Crash(), at("Updating")))
ROLLOUT_ERROR = plan(
    EDIT, strikes(ErrorBefore(calls=calls("apply", "StatefulSet")), at("Updating"))
)
CRASH_ON_DELETE = plan(DELETE, strikes(Crash(), at("Deleting")))
CRASH_WHILE_WAITING = plan(strikes(LaunchLost()), strikes(Crash(), At(seconds=600.0)), hours=0.75)
STALE_RESTART_AFTER_RECREATION = plan(
    RECREATE,
    strikes(StaleRestart(age=50.0, heals=60.0), at("Provisioning", 20.0, nth=2)),
    hours=0.3,
)
EDIT_UNSEEN_BY_ONE_OF_TWO = plan(
    strikes(SecondEngine(seconds=600.0), served(20.0)),
    strikes(Freeze(process="engine-1", kind="Workspace", seconds=400.0), served(30.0)),
    strikes(Freeze(process="engine-1", kind="Pod", seconds=400.0), served(30.0)),
    does(Edit(variant=1), served(60.0)),
    hours=0.4,
)
STALE_SWEEP = plan(strikes(StaleRestart(age=199.0, heals=400.0), At(seconds=200.0)), hours=0.3)
SLOW_SWEEP = Plan(
    setting=Setting(hours=0.25),
    elements=(
        does(Create(), At(seconds=303.0)),
        strikes(Slow(calls=calls("list", "Workspace"), seconds=25.0), At(seconds=290.0)),
    ),
)
FORCED = plan(does(Force(), served(200.0)), hours=0.4)
EVICTED = plan(strikes(SpotEviction(), served()), hours=0.4)
FROZEN_DELETION = plan(strikes(Freeze(kind="Pod", seconds=120.0), served(29.0)), DELETE)
TWO_EDITS_UNSEEN = plan(
    strikes(Pause(seconds=20.0), served(29.0)), EDIT, does(Edit(variant=2), served(35.0))
)
NODES_GAP = plan(strikes(Gap(kind="Node"), served()), hours=1.5)
BADLY_EDITED = plan(does(Edit(variant=-1), served()))
LOST_GPUS_UNHEARD = plan(strikes(HalfOpen(kind="Node"), served(20.0)), GPUS_LOST, hours=0.75)
LOST_GPUS_BETWEEN_LISTS = plan(
    strikes(Slow(calls=calls("list", "Node"), seconds=20.0), served(9.0)),
    strikes(Crash(down=1.0), served(10.0)),
    strikes(GpusLost(seconds=2000.0), served(20.0)),
    hours=0.5,
)
LOST_GPUS_IN_A_GAP = plan(
    strikes(Gap(kind="Node"), served()),
    strikes(GpusLost(seconds=2000.0), served(40.0)),
    hours=0.75,
)
SERVICE_REMOVED = plan(strikes(Removal(kind="Service"), served()))
GHOST_OF_A_NODE = with_nodes(2, (strikes(ZombieKubelet(), served()), does(Delete(), served(40.0))))
NODE_RELABELLED = plan(strikes(Relabel(), served()))
OWN_THINGS = plan(strikes(BringYourOwn(), At(seconds=10.0)), DELETE)
TWO_AT_ONCE = plan(create(1), workspaces=2)
CONFLICTS = plan(strikes(Conflicting(calls=STATUS_WRITTEN, times=4)))
FOREIGN_FINALIZER = plan(
    strikes(Conflicting(calls=calls("patch", "Workspace"), writes="finalizer")),
    does(Delete(), at("Provisioning", 2.0)),
)
FOREIGN_CONDITION = plan(strikes(Conflicting(calls=STATUS_WRITTEN, writes="condition")))
UNKNOWN_CREATE = plan(strikes(ErrorAfter(calls=CLAIM_CREATED)))
BAD_DELETED = Plan(
    setting=Setting(hours=0.25),
    elements=(create(preset="bad"), does(Delete(), at("Failed", 30.0))),
)
KIND_MISSING_AT_DELETION = plan(
    strikes(KindMissing(seconds=200.0), at("Provisioning", 50.0)),
    strikes(Crash(), at("Provisioning", 51.0)),
    does(Delete(), at("Provisioning", 60.0)),
)
FOREIGN_ANNOTATION_ON_UPDATE = plan(
    EDIT, strikes(Conflicting(calls=Calls(actor="engine", kind="StatefulSet")), at("Updating"))
)
EVICTED_THEN_DELETED = with_nodes(
    2,
    (
        strikes(SpotEviction(), served()),
        strikes(Crash(down=120.0), served(31.0)),
        does(Delete(through="kubectl"), served(60.0)),
    ),
)
DELETED_WHILE_LAUNCHING = plan(
    strikes(LaunchLost()), does(Delete(), at("Provisioning", 60.0)), hours=0.5
)
SLOW_LAUNCH = plan(strikes(LaunchSlow(seconds=2000.0)), hours=0.75)
LAUNCHED_AT_THE_DEADLINE = plan(
    strikes(LaunchSlow(seconds=1540.0)),
    strikes(Crash(down=80.0), At(seconds=1730.0)),
    hours=0.6,
)
THROTTLED = plan(strikes(Throttle(calls=CLAIM_CREATED, retry_after=5)))
REFUSED_THEN_RETRIED = plan(strikes(Quota()), does(Retry(), at("Failed", 30.0)), hours=0.3)
FAILING_EDIT_REVERTED = plan(
    strikes(LoadFails(times=100), served(20.0)),
    EDIT,
    does(Edit(variant=0), served(400.0)),
    hours=1.0,
)
TWO_ENGINES = plan(strikes(SecondEngine(seconds=300.0), At(seconds=1.0)))
POISONED = Plan(
    setting=Setting(hours=0.4, workspaces=2),
    elements=(
        create(),
        create(1),
        strikes(ErrorBefore(calls=Calls(actor="engine", verb="write", workspace=1), times=500)),
        *(does(Edit(variant=number), served(40.0 * number)) for number in range(1, 8)),
    ),
)
REPEATED_EDIT = plan(EDIT, repeats=True)
UNKNOWN_WORKSPACE = plan(
    strikes(ErrorAfter(calls=Calls(actor="api", verb="create", kind="Workspace")))
)
RESUMED_WATCH = plan(EDIT, resumes=2)
LOOKED_AROUND_AN_EDIT = plan(
    does(Look(), served(30.0)), does(Edit(variant=1), served(33.0)), does(Look(), served(36.0))
)
