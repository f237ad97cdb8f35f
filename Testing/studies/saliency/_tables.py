"""The figures of ``saliency_sanity.py`` over all people, and their tables in the documentation."""

from __future__ import annotations

from typing import Any

import numpy as np

from Testing.studies._pages import PAGES, table, write_part
from Testing.studies.saliency._curves import RANDOM_MAPS
from Testing.studies.saliency._enlarged_ventricles import REGION_MM, ventricle_volume_ratio
from Testing.studies.saliency._planted import WALLS_MM
from Testing.studies.saliency._randomised import ALL

Rows = dict[str, dict[str, dict]]
Figures = dict[str, Any]


def figures_of(rows: Rows) -> Figures:
    """Return each part's figures over people, and the bars."""
    found: Figures = {}
    for part in ("randomised", "shuffled"):
        if part in rows:
            found[part] = _likenesses(list(rows[part].values()))
    for part, summary in (
        ("curves", _curves), ("members", _members), ("cuts", _cuts), ("planted", _planted)
    ):  # fmt: skip
        if part in rows:
            found[part] = summary(list(rows[part].values()))
    if "cost" in rows:
        found["cost"] = rows["cost"]["0"]
    found["people"] = {part: len(people) for part, people in rows.items() if part != "cost"}
    found["bars"] = _bars(found)
    return found


def _likenesses(rows: list[dict]) -> Figures:
    """Return the correlations without their sign, which a random last layer may turn."""
    return {
        name: {
            "values": _mean(abs(row[name]["values"]) for row in rows),
            "most": float(max(abs(row[name]["values"]) for row in rows)),
            "sizes": _mean(row[name]["sizes"] for row in rows),
        }
        for name in rows[0]
    }


def _curves(rows: list[dict]) -> Figures:
    result = {}
    for what in ("deletion", "insertion"):
        means = {
            name: _mean(row[what][name] for row in rows)
            for name in ("map", "random", "random models", "better than")
        }
        result[what] = means | {"better by": means["map"] / means["random"] - 1}
    return result


def _members(rows: list[dict]) -> Figures:
    return {name: _mean(row[name] for row in rows) for name in rows[0]} | {
        "least": float(min(row["least"] for row in rows))
    }


def _cuts(rows: list[dict]) -> Figures:
    names = list(dict.fromkeys(name for row in rows for name in row["correlation"]))
    by_cut = {
        name: [row["correlation"][name] for row in rows if name in row["correlation"]]
        for name in names
    }
    agreement = {
        name: _mean(row[name] for row in rows) for name in ("same region first", "first among two")
    }
    return agreement | {
        "by cut": {
            name: {"mean": _mean(v), "least": float(min(v)), "people": len(v)}
            for name, v in by_cut.items()
        },
        "mean": _mean(value for values in by_cut.values() for value in values),
    }


def _planted(rows: list[dict]) -> Figures:
    ages = np.array([row["ages"] for row in rows])
    counts = {
        name: int(sum(row[name] for row in rows))
        for name in ("rises", "change peaks there", "map peaks there", "map peaked there before")
    }
    means = {
        name: _mean(row[name] for row in rows) for name in ("change there", "change elsewhere")
    }
    return {
        **counts,
        **means,
        "people": len(rows),
        "does not rise in brains of": [round(row["age"]) for row in rows if not row["rises"]],
        "older by": (ages - ages[:, :1]).mean(0).tolist(),
        "least older by": (ages - ages[:, :1]).min(0).tolist(),
    }


def _bars(found: Figures) -> dict[str, dict[str, Any]]:
    """Return what was asked of the map, and whether it is met."""
    bars = {}
    if "randomised" in found:
        value = found["randomised"][ALL]["values"]
        bars["like the map of randomised models"] = (value, "at most 0.3", value <= 0.3)
    if "shuffled" in found:
        value = max(row["values"] for row in found["shuffled"].values())
        bars["like the map of shuffled ages"] = (value, "at most 0.4", value <= 0.4)
    if "curves" in found:
        for what, row in found["curves"].items():
            value = row["better by"]
            bars[f"{what} better than random maps by"] = (value, "at least 0.2", value >= 0.2)
    if "members" in found:
        value = found["members"]["mean"]
        bars["members alike"] = (value, "at least 0.5", value >= 0.5)
    if "cuts" in found:
        value = found["cuts"]["mean"]
        bars["other cuts alike"] = (value, "at least 0.8", value >= 0.8)
    if "planted" in found:
        row = found["planted"]
        for name in ("rises", "change peaks there"):
            value = row[name] / row["people"]
            bars[f"planted effect: {name}"] = (value, "at least 0.9", value >= 0.9)
    if "cost" in found:
        value = found["cost"]["saliency"] / found["cost"]["brain_extraction"]
        bars["time beside that of brain extraction"] = (value, "at most 1", value <= 1)
    return {
        name: {"value": value, "wanted": wanted, "met": bool(met)}
        for name, (value, wanted, met) in bars.items()
    }


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def write_document(found: Figures) -> None:
    """Write the tables of what was measured."""
    sections = [
        _bar_table(found),
        _likeness_table(found, "randomised", "Weights drawn anew, from the top down"),
        _likeness_table(found, "shuffled", "Models trained on shuffled ages"),
        _curve_table(found),
        _agreement_text(found),
        _planted_table(found),
    ]
    write_part(
        PAGES / "saliency.md", "sanity", "\n\n".join(section for section in sections if section)
    )


def _bar_table(found: Figures) -> str:
    rows = [
        [name, f"{bar['value']:.2f}", bar["wanted"], "yes" if bar["met"] else "**no**"]
        for name, bar in found["bars"].items()
    ]
    people = ", ".join(f"{part} {count}" for part, count in found["people"].items())
    return f"Model {found['model']}; people: {people}.\n\n" + table(
        ["what", "measured", "wanted", "met"], rows
    )


def _likeness_table(found: Figures, part: str, title: str) -> str:
    if part not in found:
        return ""
    rows = [
        [name, f"{row['values']:.2f}", f"{row['most']:.2f}", f"{row['sizes']:.2f}"]
        for name, row in found[part].items()
    ]
    note = ""
    if part == "shuffled":
        steps = found["network_steps"]
        note = f" The network saw them for {steps} steps only, not to its end." if steps else ""
        note = f"\n\nOne fold.{note}"
    return f"### {title}{note}\n\n" + table(
        ["what is wrong", "rank correlation without its sign", "largest of a person", "of sizes"],
        rows,
    )


def _curve_table(found: Figures) -> str:
    if "curves" not in found:
        return ""
    rows = [
        [
            what,
            *(f"{row[name]:.2f}" for name in ("map", "random", "random models")),
            f"{100 * row['better by']:.0f} %",
            f"{100 * row['better than']:.0f} %",
        ]
        for what, row in found["curves"].items()
    ]
    head = ["curve", "map", f"{RANDOM_MAPS} random maps", "map of random models"]
    head += ["better than random by", "share of random maps beaten"]
    return "### Deletion and insertion\n\nMean change of age in years over the curve.\n\n" + table(
        head, rows
    )


def _agreement_text(found: Figures) -> str:
    lines = []
    if "members" in found:
        row = found["members"]
        lines.append(
            f"Rank correlation between the maps of two members: {row['mean']:.2f} (least "
            f"{row['least']:.2f}). They name the same region first in "
            f"{100 * row['same region first']:.0f} %; the first of one is among the first two of "
            f"the other in {100 * row['first among two']:.0f} %."
        )
    if "cuts" in found:
        row = found["cuts"]
        by_cut = table(
            ["cut", "people", "rank correlation with the first cut", "least"],
            [
                [name, f"{one['people']}", f"{one['mean']:.2f}", f"{one['least']:.2f}"]
                for name, one in row["by cut"].items()
            ],
        )
        lines.append(
            f"{by_cut}\n\nThe same region comes first as in the first cut in "
            f"{100 * row['same region first']:.0f} %; the first is among the other's first two in "
            f"{100 * row['first among two']:.0f} %."
        )
    return "### Other members, other cuts\n\n" + "\n\n".join(lines) if lines else ""


def _planted_table(found: Figures) -> str:
    if "planted" not in found:
        return ""
    row = found["planted"]
    rows = [
        [f"{wall:.0f} mm", f"{ventricle_volume_ratio(wall):.2f}", f"{mean:+.2f}", f"{least:+.2f}"]
        for wall, mean, least in zip(WALLS_MM, row["older by"], row["least older by"], strict=True)
    ]
    ages = ", ".join(map(str, row["does not rise in brains of"]))
    but = f" (not in those of {ages} years)" if ages else ""
    head = ["wall moved by", "template's ventricles grow to", "older by (years)", "least"]
    return (
        "### Planted: larger lateral ventricles\n\n"
        + table(head, rows)
        + f"\n\nOf {row['people']} brains the age rises with every step in {row['rises']}{but}. "
        f"The change of the map peaks in the ventricles or within {REGION_MM:.0f} mm of them in "
        f"{row['change peaks there']}, the map itself in {row['map peaks there']} (before the "
        f"warp in {row['map peaked there before']}). The map changes by {row['change there']:+.2f} "
        f"years there and by {row['change elsewhere']:+.2f} elsewhere."
    )
