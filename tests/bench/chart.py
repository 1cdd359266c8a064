"""A bar chart as SVG, made by hand: two bars a figure, each pair against its own longer one."""

from __future__ import annotations

from collections.abc import Mapping

WIDTH, LEFT, BAR, ROW = 860, 330, 400, 44
SVG = "http:" "//www.w3.org/2000/svg"  # a name, not a place to go to
OUR_COLOUR, BASE_COLOUR = "#2f6f4f", "#b9b4a7"


def bars(
    figures: Mapping[str, tuple[str, str, bool]],
    medians: Mapping[str, Mapping[str, float]],
    ours: str,
    base: str,
) -> str:
    """`figures`: key to title, unit, and whether more is better."""
    rows = [
        row(number, title, unit, more_is_better, medians[ours][key], medians[base][key])
        for number, (key, (title, unit, more_is_better)) in enumerate(figures.items())
    ]
    height = 60 + ROW * len(rows)
    legend = text(LEFT, 28, f"{ours} (dark) and {base}", weight="bold")
    return (
        f'<svg xmlns="{SVG}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="13">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{legend}{"".join(rows)}</svg>\n'
    )


def row(
    number: int, title: str, unit: str, more_is_better: bool, ours: float, base: float
) -> str:
    top = 46 + ROW * number
    longest = max(ours, base) or 1
    better = (ours / base if more_is_better else base / ours) if ours and base else 0
    out = text(LEFT - 12, top + 14, title, anchor="end")
    out += text(LEFT - 12, top + 29, unit if more_is_better else f"{unit}, less is better", "end")
    for offset, value, colour in ((0, ours, OUR_COLOUR), (15, base, BASE_COLOUR)):
        length = BAR * value / longest
        out += (
            f'<rect x="{LEFT}" y="{top + 3 + offset}" width="{length:.1f}" height="13" '
            f'fill="{colour}"/>\n'
        )
        out += text(LEFT + length + 6, top + 14 + offset, f"{value:.3g}")
    return out + text(WIDTH - 14, top + 20, f"\u00d7{better:.1f}", "end", "bold")


def text(x: float, y: float, words: str, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#222">{words}</text>\n'
    )
