"""The split as a picture: a bar for each campaign, in it a part for each group. Pure: shares -> SVG in Markdown."""

import base64
from collections.abc import Sequence
from html import escape

from flows.distribution.account import shown
from flows.distribution.models import Group, Share

COLOURS = {
    Group.A: "#94a3b8",
    Group.B: "#2563eb",
    Group.C: "#0d9488",
    Group.D: "#65a30d",
    Group.E: "#d97706",
}
WIDTH, LABELS, TOTALS, HEAD, FOOT = 760, 230, 70, 44, 12
BAR, GAP = 20, 8
THIN, THIN_GAP, MANY = 12, 3, 20  # so that a hundred campaigns still fit on two screens
LABEL_CHARS = 34
DIGIT = 7  # width of one


def split(shares: Sequence[Share]) -> str:
    """Return a Markdown image; nothing where there is nobody to show."""
    if not sum(share.total for share in shares):
        return ""
    svg = base64.b64encode(_svg(shares).encode()).decode()
    return f"![users by campaign and group](data:image/svg+xml;base64,{svg})"


def _svg(shares: Sequence[Share]) -> str:
    bar, gap = (BAR, GAP) if len(shares) <= MANY else (THIN, THIN_GAP)
    height = HEAD + len(shares) * (bar + gap) + FOOT
    scale = (WIDTH - LABELS - TOTALS) / max(share.total for share in shares)
    rows = (_row(share, HEAD + place * (bar + gap), bar, scale) for place, share in enumerate(shares))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="{min(12, bar - 1)}" fill="#334155">'
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>{_legend()}{"".join(rows)}</svg>'
    )


def _legend() -> str:
    width = (WIDTH - LABELS - TOTALS) / len(Group)
    return "".join(
        f'<rect x="{LABELS + place * width:.1f}" y="14" width="10" height="10" rx="2" fill="{colour}"/>'
        f'<text x="{LABELS + place * width + 15:.1f}" y="23" font-size="11">'
        f"{group.name}{', control' if group.is_control else ''}</text>"
        for place, (group, colour) in enumerate(COLOURS.items())
    )


def _row(share: Share, top: int, bar: int, scale: float) -> str:
    middle = top + bar / 2 + 4
    name = shown(f"{share.campaign.id} {share.campaign.name}", LABEL_CHARS)
    parts = [f'<text x="{LABELS - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>']
    left = float(LABELS)
    for group, users in zip(Group, share.counts, strict=True):
        width = users * scale
        parts.append(
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{bar}" fill="{COLOURS[group]}"/>'
        )
        if width > DIGIT * len(f"{users:,}") + DIGIT:
            parts.append(
                f'<text x="{left + width / 2:.1f}" y="{middle}" text-anchor="middle" fill="#ffffff">{users:,}</text>'
            )
        left += width
    return "".join([*parts, f'<text x="{left + 8:.1f}" y="{middle}">{share.total:,}</text>'])
