"""How reports write amounts, tables, and words that are not ours. Pure."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

ETHER = Decimal(10) ** 18
_SIGNS = re.compile(r"([\\`*_\[\]()<>|!&~#/])")


class Coins:
    """Amounts as people read them, with the token's decimal places.

    >>> Coins(18)(1_500_000_000_000_000_000_000)
    '1,500'
    >>> Coins(2)(-5)
    '-0.05'
    """

    def __init__(self, decimals: int) -> None:
        self._decimals = decimals

    def __call__(self, units: int | None) -> str:
        if units is None:
            return "–"
        whole, part = divmod(abs(units), 10**self._decimals)
        fraction = f".{part:0{self._decimals}}".rstrip("0") if part else ""
        return f"{'-' if units < 0 else ''}{whole:,}{fraction}"

    def number(self, units: int) -> float:
        """For pictures."""
        return float(Decimal(units).scaleb(-self._decimals))


def ether(wei: int | None) -> str:
    """Return the chain's own coin.

    >>> ether(1_500_000_000_000_000)
    '0.001500'
    """
    return "–" if wei is None else f"{Decimal(wei) / ETHER:.6f}"


def foreign(text: str | None) -> str:
    r"""Return somebody else's words so that they stay words: no link, picture, markup, or end of a table's cell.

    >>> foreign("see [here](http://evil.example)\n| <b>now</b>")
    'see \\[here\\]\\(http:\\/\\/evil.example\\) \\| \\<b\\>now\\<\\/b\\>'
    """
    return _SIGNS.sub(r"\\\1", " ".join((text or "").split()))


def table(*names: str, rows: Iterable[Sequence[str]]) -> str:
    """Return a table, or a word for none."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return "None."
    return "\n".join(["| " + " | ".join(names) + " |", "|" + "--|" * len(names), *lines])
