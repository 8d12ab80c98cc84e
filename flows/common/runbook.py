"""Which heading of docs/runbook.md tells a person what to do. Pure.

tests/ops/test_runbook.py keeps the lists and the page together.
"""

import re

PAGE = "docs/runbook.md"

EXCEPTIONS = frozenset({
    # blocks
    "BlockMissing", "DatabaseAccessDenied", "DatabaseProblem", "DatabaseUnreachable", "MailNotSent",
    "DuplicateKey", "PermissionMissing", "RowLocked", "StatementRefused", "TableMissing",
    "ChainAccessDenied", "ChainBehind", "ChainUnreachable", "ContractMissing", "JobRefused", "JobTooLarge",
    "JobsProblem", "KeyLocked", "NotOperator", "WrongChain", "WrongToken",
    "BrokerLost", "BrokerProblem", "BrokerRefusesUs", "BrokerUnreachable", "ExchangeMissing", "NotConfirmed",
    "QueueMissing", "TopologyDiffers", "Unroutable",
    "MeetProblem", "MeetQuota", "MeetRefusesUs", "MeetUnreachable", "RoomMissing",
    # common and ops
    "DutyHeld", "DutyLost", "GuardBlind", "Overdue", "ProcessFrozen", "SystemUnwell", "Unexpected",
    # distribution
    "ApprovalMissing", "DateInFuture", "DayMissed", "DayTaken", "LedgerRowWrong", "NotReconciled", "OtherCountDay",
    "TooManyCampaigns",
    # payout
    "ChainDiffers", "ContractPaused", "DeepReorg", "JobsUnanswered", "OrphanJobs", "TreasuryShort",
    "DecimalsDiffer", "ItemsChanged", "JobClosed", "Miscounted", "NonceTaken", "PlanElsewhere", "PlanStale",
    "PlanUnknown", "PlayersNotUnique", "SignerLocked", "SignerNotHeld",
    # pop
    "GameRefusesUs", "NobodyAnswered", "NobodyToServe", "WindowPast",
})  # fmt: skip

LATE, CRASHED, STUCK = "late-run", "crashed-run", "stuck-pending"
TIMED_OUT, FAILED = "timed-out-run", "failed-run"
SERVER_DOWN, WORKER_DOWN, GAME_DOWN = "server-down", "worker-down", "game-server-away"
SETTINGS, CLOCKS, MAY_WRITE = "server-settings", "clock-skew", "may-write"
ALERTS = frozenset({
    LATE, CRASHED, STUCK, TIMED_OUT, FAILED, SERVER_DOWN, WORKER_DOWN, GAME_DOWN, SETTINGS, CLOCKS, MAY_WRITE,
    "watchdog",
})  # fmt: skip

BY_EVENT = {
    "prefect.flow-run.Late": LATE,
    "prefect.flow-run.Crashed": CRASHED,
    "prefect.flow-run.TimedOut": TIMED_OUT,
}
_NAME = re.compile(r"\b[A-Z]\w+(?=:)")


def heading(event: str, message: str) -> str:
    """Return the page and the anchor for an event and its state's message.

    >>> heading("prefect.flow-run.Failed", "Flow run encountered an exception: GameRefusesUs: Five in a row")
    'docs/runbook.md#gamerefusesus'
    >>> heading("prefect.flow-run.Late", "")
    'docs/runbook.md#late-run'
    """
    named = (name for name in _NAME.findall(message) if name in EXCEPTIONS)
    if (name := next(named, None)) is not None:
        return anchor(name)
    if event.endswith(".Crashed") and "Pending for more than" in message:
        return anchor(STUCK)
    return anchor(BY_EVENT.get(event, FAILED))


def anchor(title: str) -> str:
    return f"{PAGE}#{title.lower()}"
