"""Every property there is, in one table."""

from simulator.checkers import (
    api,
    fallbacks,
    honesty,
    liveness,
    neighbours,
    node_claims,
    operational,
    safety,
)
from simulator.checkers.case import ASKED_FOR, OWNED
from simulator.checkers.property import (
    ComparedProperty,
    FinalProperty,
    Property,
    RecordProperty,
    StatedProperty,
    stateless,
)
from simulator.history import Call, Commit, Defect, Milestone, Rpc, StreamMessage
from simulator.wire.sent import AGENT_POOL

_WORKSPACE = frozenset({"Workspace"})
_POOL = frozenset({AGENT_POOL})

PROPERTIES: tuple[Property, ...] = (
    RecordProperty(
        id="S1",
        statement="no orphan at death: when a workspace goes, nothing that was made for it is left",
        records=(Commit,),
        kinds=_WORKSPACE,
        check=stateless(safety.s1_no_orphan_at_death),
    ),
    FinalProperty(
        id="S2",
        statement="bounded orphans: what belongs to nobody is gone ten minutes after faults end",
        check=safety.s2_no_orphan_for_long,
    ),
    RecordProperty(
        id="S3",
        statement="single ownership: one workspace controls an object, and always the same",
        records=(Commit,),
        kinds=_WORKSPACE | ASKED_FOR,
        check=stateless(safety.s3_single_ownership),
    ),
    RecordProperty(
        id="S4",
        statement="provisioning cap: never more node claims than the plan has nodes",
        records=(Commit,),
        kinds=frozenset({"NodeClaim"}),
        check=stateless(safety.s4_provisioning_cap),
    ),
    RecordProperty(
        id="S5",
        statement="one operation at a time on a node claim, and none asked for again and again",
        records=(Call,),
        kinds=frozenset({"NodeClaim"}),
        check=safety.OneOperationPerClaim,
    ),
    RecordProperty(
        id="S6",
        statement="legal transitions: each stored phase follows from the last one by the table, "
        "and the history tells of it",
        records=(Commit,),
        kinds=_WORKSPACE,
        check=stateless(safety.s6_legal_transitions),
    ),
    RecordProperty(
        id="S7",
        statement="saved before acted: what an engine makes was asked for by a stored phase",
        records=(Commit,),
        kinds=ASKED_FOR,
        check=stateless(safety.s7_saved_before_acted),
    ),
    RecordProperty(
        id="S8",
        statement="identity: deletes name a uid, and writes of a workspace the version they change",
        records=(Call,),
        kinds=_WORKSPACE | OWNED,
        check=stateless(safety.s8_identity_precondition),
    ),
    RecordProperty(
        id="S9",
        statement="fencing: a status write is accepted only on the version it was decided on",
        records=(Commit, Call),
        kinds=_WORKSPACE,
        check=safety.GuardedStatus,
    ),
    RecordProperty(
        id="S10",
        statement="fresh basis: nothing is destroyed that the stored workspace does not give up",
        records=(Commit,),
        kinds=_WORKSPACE | OWNED,
        check=stateless(safety.s10_fresh_basis_for_destruction),
    ),
    RecordProperty(
        id="S11",
        statement="generation honesty: observed generations never fall, never run ahead, and Ready "
        "is told of the generation that is served",
        records=(Commit,),
        kinds=_WORKSPACE,
        check=stateless(honesty.s11_generation_honesty),
    ),
    RecordProperty(
        id="S12",
        statement="truthful Ready: it begins while nodes, GPUs, pods and Service are there, "
        "ends soon after they are not, and not before",
        records=(Commit, Milestone),
        kinds=_WORKSPACE | OWNED,
        check=honesty.TruthfulReady,
    ),
    RecordProperty(
        id="S13",
        statement="finalizer discipline: held before anything is made, never added to what is "
        "being deleted, nobody else's touched",
        records=(Commit,),
        kinds=_WORKSPACE | ASKED_FOR,
        check=stateless(neighbours.s13_finalizer_discipline),
    ),
    RecordProperty(
        id="S14",
        statement="foreign fields preserved: what others put on our objects stays as it was",
        records=(Commit,),
        kinds=_WORKSPACE | OWNED,
        check=stateless(neighbours.s14_foreign_fields_preserved),
    ),
    RecordProperty(
        id="S15",
        statement="bring your own: what no engine made, none changes or deletes",
        records=(Commit,),
        kinds=OWNED,
        check=stateless(neighbours.s15_bring_your_own_untouched),
    ),
    RecordProperty(
        id="S16",
        statement="no invalid writes: the API's own rules never refuse what an engine asks",
        records=(Call,),
        check=stateless(safety.s16_no_invalid_writes),
    ),
    RecordProperty(
        id="S17",
        statement="delete wins: once Deleting is recorded, nothing more is made",
        records=(Commit,),
        kinds=ASKED_FOR,
        check=stateless(safety.s17_delete_wins),
    ),
    RecordProperty(
        id="S18",
        statement="secrets: no secret value is in a status, an Event or an answer",
        records=(Commit, Rpc),
        kinds=_WORKSPACE | {"Event"},
        check=stateless(honesty.s18_no_secrets),
    ),
    StatedProperty(
        id="S19",
        statement="quota: the GPUs asked for never exceed a tenant's quota",
        because="not applicable yet: workspaces know no tenants, and so no quota",
    ),
    RecordProperty(
        id="S20",
        statement="naming: a node claim's name follows from uid, ordinal and stored status, "
        "fits AKS, and was never another's",
        records=(Commit,),
        kinds=frozenset({"NodeClaim"}),
        check=safety.Naming,
    ),
    RecordProperty(
        id="N1",
        statement="a claim outlives its pool: the finalizer goes when the cloud says it is gone",
        records=(Commit,),
        kinds=frozenset({"NodeClaim"}),
        check=stateless(node_claims.n1_claim_outlives_its_pool),
    ),
    RecordProperty(
        id="N2",
        statement="one agent pool a claim, whatever was lost or done twice",
        records=(Commit,),
        kinds=_POOL,
        check=stateless(node_claims.n2_one_pool_a_claim),
    ),
    FinalProperty(
        id="N3",
        statement="no leaked pool: at the end every pool of ours has its claim",
        check=node_claims.n3_no_pool_left,
    ),
    RecordProperty(
        id="N4",
        statement="legal transitions of node claims, by their table",
        records=(Commit,),
        kinds=frozenset({"NodeClaim"}),
        check=stateless(node_claims.n4_legal_transitions),
    ),
    FinalProperty(
        id="N5",
        statement="no node claim waits beyond its deadline",
        check=node_claims.n5_no_claim_waits_for_ever,
    ),
    RecordProperty(
        id="N6",
        statement="Azure's rates: what an engine asks of it stays within the published buckets",
        records=(Call,),
        kinds=_POOL,
        check=stateless(node_claims.n6_within_the_buckets),
    ),
    RecordProperty(
        id="N7",
        statement="an agent pool that is there is never asked for again, nor overwritten",
        records=(Commit,),
        kinds=_POOL,
        check=stateless(node_claims.n7_never_overwritten),
    ),
    RecordProperty(
        id="N8",
        statement="fallbacks in order: each accepted offering is refused before the next is tried, "
        "and none is left untried",
        records=(Commit,),
        kinds=_WORKSPACE,
        check=stateless(fallbacks.n8_fallbacks_in_order),
    ),
    RecordProperty(
        id="Q1",
        statement="durable acknowledgement: what is answered OK was stored before",
        records=(Commit, Rpc),
        kinds=_WORKSPACE,
        check=api.DurableAcknowledgement,
    ),
    RecordProperty(
        id="Q2",
        statement="idempotency: a request id stands for one change with one answer",
        records=(Commit, Rpc),
        kinds=_WORKSPACE,
        check=api.Idempotency,
    ),
    RecordProperty(
        id="Q3",
        statement="linearizability: nobody who asks later is told of an earlier version",
        records=(Rpc,),
        check=api.Linearizability,
    ),
    RecordProperty(
        id="Q4",
        statement="read your writes: a client's reads show its own changes",
        records=(Rpc,),
        check=api.ReadYourWrites,
    ),
    RecordProperty(
        id="Q5",
        statement="streams: every change once, in order, also across a resumption",
        records=(Commit, StreamMessage),
        kinds=_WORKSPACE,
        check=api.GaplessStream,
    ),
    RecordProperty(
        id="Q6",
        statement="status honesty: after a definitive error, nothing came of the request",
        records=(Commit, Rpc),
        kinds=_WORKSPACE,
        check=api.StatusHonesty,
    ),
    FinalProperty(
        id="L1",
        statement="stable reconciliation: in the end every workspace serves as its spec says, or "
        "has failed for what its spec says",
        check=liveness.l1_stable_reconciliation,
    ),
    FinalProperty(
        id="L2",
        statement="deletion completes half an hour after faults end, at most",
        check=liveness.l2_deletion_completes,
    ),
    ComparedProperty(
        id="L3",
        statement="error-state recovery: a spec that was bad and is good again ends as if it had "
        "always been good",
        check=liveness.same_end_state,
    ),
    FinalProperty(
        id="L4",
        statement="quiescence: when nothing is left to do, engines write nothing",
        check=liveness.l4_quiescence,
    ),
    RecordProperty(
        id="L5",
        statement="no hot loop: bounded writes, watches and looks an hour; Retry-After is heeded",
        records=(Call, Milestone),
        check=liveness.NoHotLoop,
    ),
    RecordProperty(
        id="L6",
        statement="bounded work: an engine does not make again what it deleted in this attempt",
        records=(Commit,),
        kinds=ASKED_FOR,
        check=liveness.BoundedWork,
    ),
    ComparedProperty(
        id="L7",
        statement="isolation: a hopeless workspace makes others at most twice as slow",
        check=liveness.slowed,
    ),
    FinalProperty(
        id="L8",
        statement="failover: a started engine looks at its workspaces within a minute",
        check=liveness.l8_failover,
    ),
    ComparedProperty(
        id="L9",
        statement="level-triggered: lost watch events leave the end as it would have been",
        check=liveness.same_end_state,
    ),
    ComparedProperty(
        id="L10",
        statement="crash anywhere: wherever an engine crashes, the end is the same",
        check=liveness.same_end_state,
    ),
    ComparedProperty(
        id="L11",
        statement="confluence: the order of independent inputs does not matter in the end",
        check=liveness.same_end_state,
    ),
    RecordProperty(
        id="L12",
        statement="explain or progress: a waiting phase says what for and until when, keeps to it, "
        "and a failure names its cause",
        records=(Commit, Milestone),
        kinds=_WORKSPACE,
        check=stateless(liveness.l12_explain_or_progress),
    ),
    StatedProperty(
        id="L13",
        statement="clock faults: an hour's jump of a wall clock breaks nothing",
        because="it is S1 to S20 and L1, judged in runs whose clocks jump",
    ),
    StatedProperty(
        id="L14",
        statement="upgrade: what one version stored, the next carries on from",
        because="it is S6, S9 and O3, judged in runs in which two versions overlap",
    ),
    RecordProperty(
        id="O1",
        statement="few Events: a bounded number an hour about one object",
        records=(Commit,),
        kinds=frozenset({"Event"}),
        check=operational.FewEvents,
    ),
    FinalProperty(
        id="O2",
        statement="record and cluster agree: what was asked for exists, what exists was asked for",
        check=operational.o2_record_and_cluster_agree,
    ),
    FinalProperty(
        id="O3",
        statement="replay: commits lead to the history's end, and passages to a workspace's phase",
        check=operational.o3_replay_reproduces,
    ),
    FinalProperty(
        id="O4",
        statement="nodes as told: at rest, the status names the nodes that exist",
        check=operational.o4_nodes_as_told,
    ),
    RecordProperty(
        id="D1",
        statement="nothing of ours fails unhandled",
        records=(Defect,),
        check=stateless(operational.d1_nothing_unhandled),
    ),
)


def by_id(property_id: str) -> Property:
    """Raises KeyError."""
    return {one.id: one for one in PROPERTIES}[property_id]
