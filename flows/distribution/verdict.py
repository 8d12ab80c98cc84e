"""Do both databases hold the same of a day, and nothing that must not be there? Counts -> rows, a line. Pure.

Source  docs/distribution.md, "By hand"
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from flows.distribution.account import shown
from flows.distribution.frames import NOTHING, Rows
from flows.distribution.models import Group, listed
from flows.distribution.rules import NotReconciled


@dataclass(frozen=True)
class Held:
    """What both databases hold of a calendar day; never who.

    Attributes:
        control: rows by theory id, and so `target` and `mirror`.
        users: different ones in DSSB.
        mirror_users: different ones in SPSS.
        control_in_spss: users of A who are in the mirror.
    """

    control: Mapping[str, int]
    target: Mapping[str, int]
    mirror: Mapping[str, int]
    users: int
    mirror_users: int
    control_in_spss: int

    @property
    def rows(self) -> int:
        """In DSSB."""
        return sum(self.control.values()) + sum(self.target.values())

    def theories(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield theory id, and rows in control, target and mirror."""
        for id_ in sorted({*self.control, *self.target, *self.mirror}):
            yield id_, self.control.get(id_, 0), self.target.get(id_, 0), self.mirror.get(id_, 0)


def is_right(theory_id: str, control: int, target: int, mirror: int) -> bool:
    """A is in the control table alone; the others are in the target table and, row for row, in the mirror.

    >>> is_right("SC1.1", 3, 0, 0), is_right("SC1.2", 0, 3, 3), is_right("SC1.1", 3, 0, 3)
    (True, True, False)
    """
    if theory_id.endswith(f".{Group.A:d}"):
        return target == mirror == 0
    return control == 0 and target == mirror


def problems(held: Held, users_told: int) -> list[str]:
    """Return what is wrong; `users_told` is how many the ledger says were written."""
    wrong = [
        f"{shown(id_)} has {control:,} rows in control, {target:,} in target, {mirror:,} in SPSS"
        for id_, control, target, mirror in held.theories()
        if not is_right(id_, control, target, mirror)
    ]
    if held.rows < users_told:
        wrong.append(f"DSSB has {held.rows:,} rows, and the ledger tells of {users_told:,} users")
    if doubles := held.rows - held.users:
        wrong.append(f"{doubles:,} rows of DSSB are nobody's, or of a user who has one already")
    if doubles := sum(held.mirror.values()) - held.mirror_users:
        wrong.append(f"{doubles:,} rows of SPSS are nobody's, or of a user who has one already")
    if held.control_in_spss:
        wrong.append(f"{held.control_in_spss:,} users of A are in SPSS")
    return wrong


def line(held: Held, wrong: list[str], day: date) -> str:
    """Return the verdict in one line."""
    if wrong:
        return f"{day}: {listed(wrong, 5)}."
    if not held.rows:
        return f"{day}: nothing was written, in neither database."
    return f"{day}: as it should be: {held.users:,} users in DSSB, {held.mirror_users:,} of them in SPSS."


def table(held: Held, wrong: list[str], day: date) -> Rows:
    """Return a row for each group of each campaign, those for all of them, and the verdict."""
    alike = [_row(id_, *counts) for id_, *counts in held.theories()]
    mirrored, control, target = (sum(each.values()) for each in (held.mirror, held.control, held.target))
    return [
        *alike,
        _of_all("all rows", held.rows, mirrored, control, target),
        _of_all("different users", held.users, held.mirror_users),
        _of_all("more than one assignment", held.rows - held.users, mirrored - held.mirror_users),
        _of_all("users of A in SPSS", NOTHING, held.control_in_spss),
        {**_of_all(line(held, wrong, day), NOTHING, NOTHING), "": "DIFFERS" if wrong else "ok"},
    ]


def _row(theory_id: str, control: int, target: int, mirror: int) -> dict[str, str | int]:
    campaign, _, number = theory_id.rpartition(".")
    group = next((group.name for group in Group if f"{group:d}" == number), NOTHING)
    ok = "ok" if is_right(theory_id, control, target, mirror) else "DIFFERS"
    named = {"campaign": shown(campaign or theory_id), "group": group}
    return {**named, "DSSB": control + target, "SPSS": mirror, "control": control, "target": target, "": ok}


def _of_all(
    name: str, dssb: int | str, spss: int | str, control: int | str = NOTHING, target: int | str = NOTHING
) -> dict[str, str | int]:
    counts = {"DSSB": dssb, "SPSS": spss, "control": control, "target": target}
    return {"campaign": name, "group": "A-E", **counts, "": ""}


def check(held: Held, wrong: list[str], day: date) -> None:
    """Refuse to call a day right that is not.

    Raises:
        NotReconciled: the databases differ, or hold what must not be there.
    """
    if wrong:
        raise NotReconciled(
            f"Of what was written on {line(held, wrong, day)} The table distribution-verify has all."
        )
