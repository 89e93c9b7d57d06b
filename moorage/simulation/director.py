"""Makes the elements of a plan happen, each when its trigger comes."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from moorage.simulation.processes import Processes
from moorage.simulation.users import Users
from simulator.faults.azure_faults import AzureFaults
from simulator.faults.azure_vocabulary import (
    AzureDenies,
    BootFails,
    ClusterBusy,
    DeletionFails,
    DeletionSlow,
    GpusMissing,
    ImageUpgrade,
    ListLags,
    MachineLost,
    NodeNeverJoins,
    PoolDeleted,
    PoolStopped,
)
from simulator.faults.cluster_faults import ClusterFaults
from simulator.faults.plan import FaultElement, Plan
from simulator.faults.planned_fate import PlannedFate, Told
from simulator.faults.trigger_watch import TriggerWatch
from simulator.faults.users import UserAction
from simulator.faults.vocabulary import (
    BookmarksOnly,
    CancelTask,
    ClockJump,
    Conflicting,
    Crash,
    ErrorAfter,
    ErrorBefore,
    Expire,
    Fault,
    Freeze,
    Gap,
    GpusLate,
    HalfOpen,
    KindMissing,
    LaunchFails,
    LaunchLost,
    LaunchSlow,
    LoadFails,
    LoadSlow,
    Pause,
    PullFails,
    Quota,
    SecondEngine,
    Slow,
    StaleRestart,
    Throttle,
    WebhookDenies,
)
from simulator.history import History
from simulator.wire.network import Network

Choice = Callable[[str, int], Fault | None]
"""What strikes before a process, by its name, takes the step of that number; None for nothing."""


class Director:
    def __init__(
        self,
        *,
        triggers: TriggerWatch,
        processes: Processes,
        network: Network,
        fate: PlannedFate,
        cluster_faults: ClusterFaults,
        azure_faults: AzureFaults | None,
        users: Users,
        start: Callable[[Coroutine[Any, Any, None]], object],
        told: Told,
        history: History,
    ) -> None:
        """``start`` starts a user's coroutine as a task of the users' process."""
        self._triggers = triggers
        self._processes = processes
        self._network = network
        self._fate = fate
        self._cluster_faults = cluster_faults
        self._azure_faults = azure_faults
        self._users = users
        self._start = start
        self._told = told
        self._history = history

    def direct(self, plan: Plan) -> None:
        for number, element in enumerate(plan.elements):
            if isinstance(element, FaultElement):
                fire = partial(self._strike, number, element.fault)
            else:
                fire = partial(self._act, number, element.user)
            self._triggers.wait(element.when, fire)

    def let_choose(self, plan: Plan, choose: Choice) -> None:
        """What is chosen strikes as if it were one more element of the plan."""
        number = len(plan.elements)

        def decide(process: str, step: int) -> Callable[[], None] | None:
            fault = choose(process, step)
            return None if fault is None else partial(self._strike, number, fault)

        self._triggers.ask_at_each_step(decide)

    def heal(self) -> None:
        """From here on nothing goes wrong, and everything runs that should."""
        self._triggers.forget()
        self._network.heal()
        self._fate.heal()
        self._cluster_faults.heal()
        if self._azure_faults is not None:
            self._azure_faults.heal()
        self._processes.heal()

    def _act(self, number: int, action: UserAction) -> None:
        self._start(self._users.act(number, action))

    def _strike(self, number: int, fault: Fault) -> None:
        match fault:
            case (
                ErrorBefore()
                | ErrorAfter()
                | Throttle()
                | Slow()
                | Conflicting()
                | WebhookDenies()
                | KindMissing()
            ):
                self._network.faults.arm(number, fault)
            case Freeze() | Gap() | Expire() | HalfOpen() | BookmarksOnly():
                self._network.strike_watches(number, fault)
            case (
                Quota()
                | LaunchFails()
                | LaunchSlow()
                | LaunchLost()
                | GpusLate()
                | LoadSlow()
                | LoadFails()
                | PullFails()
                | AzureDenies()
                | BootFails()
                | NodeNeverJoins()
                | GpusMissing()
                | DeletionFails()
                | DeletionSlow()
            ):
                self._fate.arm(number, fault)
            case (
                ClusterBusy()
                | ListLags()
                | PoolDeleted()
                | PoolStopped()
                | ImageUpgrade()
                | MachineLost()
            ):
                if self._azure_faults is not None:
                    self._azure_faults.strike(number, fault)
            case Crash() | StaleRestart() | CancelTask() | Pause() | ClockJump() | SecondEngine():
                self._strike_process(number, fault)
            case _:
                self._cluster_faults.strike(number, fault)

    def _strike_process(
        self,
        number: int,
        fault: Crash | StaleRestart | CancelTask | Pause | ClockJump | SecondEngine,
    ) -> None:
        processes = self._processes
        target = "engine" if isinstance(fault, SecondEngine) else fault.process
        self._told(number, fault.code, target)
        match fault:
            case Crash():
                processes.crash(fault.process, down=fault.down)
            case StaleRestart():
                processes.crash(fault.process, down=fault.down)
                self._network.fall_behind(
                    fault.process, self._history.revision_before(fault.age), fault.heals
                )
            case CancelTask():
                self._cancel(fault.process)
            case Pause():
                processes.pause(fault.process, fault.seconds)
            case ClockJump():
                processes.jump(fault.process, fault.seconds)
            case SecondEngine():
                processes.second_engine(fault.seconds)

    def _cancel(self, role: str) -> None:
        """An engine is stopped whole; of the API, the call that is about to go on is cancelled."""
        task = self._triggers.stepping
        if role == "engine":
            self._processes.stop(role, down=1.0)
        elif task is not None and task.get_name().startswith("rpc "):
            task.cancel()
