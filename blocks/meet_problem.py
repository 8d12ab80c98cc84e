"""What can be wrong with Google Meet, its quotas, or our host accounts.

Source  docs/runbook.md has a heading for each exception below
"""

from blocks.problem import Problem


class MeetProblem(Problem):
    """{block}, host {host}: Google Meet answered {reason}. Look the code up in Google's reference of the Meet API."""


class MeetUnreachable(MeetProblem):
    """{block}, host {host}: Google Meet does not answer ({reason}). Check the way to MEET_ENDPOINT, and Google's own
    status page.
    """


class MeetQuota(MeetProblem):
    """{block}, host {host}: the quota for "{use}" is used up ({reason}); try again in {retry_after_s:.0f} s. When that
    comes often, add host accounts to MEET_HOSTS.
    """

    @property
    def retry_after_s(self) -> float:
        """From now on."""
        return float(str(self.facts["retry_after_s"]))


class MeetRefusesUs(MeetProblem):
    """{block}, host {host}: Google Meet refuses the account ({reason}). Give it new credentials, or the scope
    meetings.space.created, in MEET_HOSTS and run `make apply`.
    """

    heals = False


class RoomMissing(MeetProblem):
    """{block}, host {host}: the room is not there any more ({reason}), or its account is not in MEET_HOSTS any more."""

    heals = False
