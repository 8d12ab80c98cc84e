"""Automations: what the server itself does when a run fails, is late, or never moves.

They are declared here and known by their names, which all begin with `metronome: `.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

from deployments.change import Change, Changed
from deployments.deployed import Known

PREFIX = "metronome: "
NOTIFY = "notify/on-failure"
PENDING_TOO_LONG = timedelta(seconds=60)
# The janitor's run takes seconds, and the next one comes after 300.
RUNNING_TOO_LONG = timedelta(seconds=180)

_FLOW_RUN = {"prefect.resource.id": "prefect.flow-run.*"}
_ENDED = {"Completed", "Failed", "Crashed", "TimedOut", "Cancelling", "Cancelled"}
_WAITING = {"Paused", "Suspended", "AwaitingRetry", "AwaitingConcurrencySlot", "Scheduled", "Late"}


def declared(deployments: Known) -> list[AutomationCore]:
    """Return all automations; `deployments` resolves names, since an action wants the id."""
    notify = deployments[NOTIFY].id
    return [
        _mail("mail a failure", notify, "Failed", "Crashed", "TimedOut"),
        _mail("mail a late run", notify, "Late"),
        _crash_janitor(
            "free a janitor that never started",
            after={"Pending"},
            alive={"Running", *_ENDED, *_WAITING},
            within=PENDING_TOO_LONG,
        ),
        _crash_janitor(
            "free a janitor that never ended",
            # Not its heartbeat: one that arrives after the end of a run would count as a new life.
            after={"Running"},
            alive={*_ENDED, *_WAITING},
            within=RUNNING_TOO_LONG,
        ),
    ]


async def apply(client: PrefectClient, deployments: Known, changed: Changed) -> None:
    """Create, update or remove, by name; one that an operator paused stays paused."""
    known = {each.name: each for each in await client.read_automations() if each.name.startswith(PREFIX)}
    for automation in declared(deployments):
        found = known.pop(automation.name, None)
        changed.note("automation", automation.name, await _upsert(client, automation, found))
    for name, gone in known.items():
        await client.delete_automation(gone.id)
        changed.note("automation", name, Change.PRUNED)


async def _upsert(client: PrefectClient, automation: AutomationCore, found: Automation | None) -> Change:
    if found is None:
        await client.create_automation(automation)
        return Change.CREATED
    automation.enabled = found.enabled
    if _content(automation) == _content(found):
        return Change.UNCHANGED
    # The client sends only the fields that were set: set all but the one that the server refuses.
    everything = automation.model_dump(exclude={"owner_resource"})
    await client.update_automation(found.id, AutomationCore.model_validate(everything))
    return Change.UPDATED


def _content(automation: AutomationCore) -> dict[str, Any]:
    """What counts; events and labels are sets, and both sides fill in defaults of their own."""
    trigger = automation.trigger
    assert isinstance(trigger, EventTrigger)
    return {
        **automation.model_dump(include={"description", "enabled"}),
        "actions": [action.model_dump(mode="json") for action in automation.actions],
        **trigger.model_dump(include={"after", "expect", "for_each", "posture", "threshold", "within"}),
        **trigger.model_dump(mode="json", include={"match", "match_related"}),
    }


def _mail(name: str, notify: UUID, *states: str) -> AutomationCore:
    return AutomationCore(
        name=PREFIX + name,
        description="Starts notify/on-failure for every run tagged `alarm`.",
        trigger=EventTrigger(
            match=_FLOW_RUN,
            match_related=_tagged("alarm"),
            expect=_events(states),
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=notify,
                # A bare id is a UUID, which the engine's own renderer cannot turn into JSON.
                parameters={"flow_run_id": "{{ (flow_run.id | string) }}", "event": "{{ event.event }}"},
            )
        ],
    )


def _crash_janitor(name: str, *, after: set[str], alive: set[str], within: timedelta) -> AutomationCore:
    """The janitor frees every other run; this frees the janitor, also where no worker is left."""
    return AutomationCore(
        name=PREFIX + name,
        description="Marks a stuck janitor run Crashed, so that the next one may start.",
        trigger=EventTrigger(
            match=_FLOW_RUN,
            match_related=_tagged("janitor"),
            after=_events(after),
            expect=_events(alive),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[
            ChangeFlowRunState(state=StateType.CRASHED, message=f"Stuck: the server waited {within} for it.")
        ],
    )


def _tagged(tag: str) -> dict[str, str]:
    return {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{tag}"}


def _events(states: Any) -> set[str]:
    return {f"prefect.flow-run.{state}" for state in states}
