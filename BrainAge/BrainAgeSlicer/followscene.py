"""A comparison in the scene: plot, report and map of the change belong to the later result."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.follow.change import LEVEL
from BrainAgeSlicer.follow import Comparison, Made
from BrainAgeSlicer.overlay import CHANGE, showInColors
from BrainAgeSlicer.plot import GREY, ORANGE, Series, newChart
from BrainAgeSlicer.results import (
    CHANGE_MAP,
    OVERLAY,
    Result,
    adopt,
    keepOutOfTree,
    removeNode,
)
from BrainAgeSlicer.volumes import OURS

CHART = "BrainAge.FollowChart"
REPORT = "BrainAge.FollowReport"
OWNED = "BrainAge.FollowOwned"  # every node that goes when there is another comparison


def addComparison(comparison: Comparison) -> None:
    """Add the plot in place of that of an earlier comparison."""
    later = comparison.results[1]
    record = later.recordNode
    count = record.GetNumberOfNodeReferences(OWNED)
    for node in [record.GetNthNodeReference(OWNED, n) for n in range(count)]:
        if node is not None:
            removeNode(node)
    record.RemoveNodeReferenceIDs(OWNED)
    name = later.volumeNode.GetName()
    chart, nodes = newChart(_("{name} brain age over time").format(name=name))
    chart.SetTitle(_("Brain age over time (research use only)"))
    hasAges = comparison.person.first_age_years is not None
    chart.SetXAxisTitle(_("Age (years)") if hasAges else _("Years since the first scan"))
    for series in seriesOf(comparison):
        nodes += series.addTo(chart)
    _own(later, CHART, chart, nodes)


def seriesOf(comparison: Comparison) -> list[Series]:
    """Return what the plot shows, back to front."""
    visits = comparison.person.visits
    first = comparison.person.first_age_years or 0.0
    ages = np.array([first + visit.time_years for visit in visits])
    brainAges = np.array([visit.brain_age_years for visit in visits])
    half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * comparison.error.sd_years
    even = brainAges[0] + (ages - ages[0])
    found = [Series(_("One brain year a year"), ages, even, GREY, lineWidth=1.0, dashed=True)]
    found.append(Series(_("Between the scans"), ages, brainAges, ORANGE, lineWidth=2.0))
    for number, (age, years) in enumerate(zip(ages, brainAges, strict=True), 1):
        ends = np.array([years - half, years + half])
        label = _("Scan {n}: 95 % of scans of this brain").format(n=number)
        found.append(Series(label, np.array([age, age]), ends, ORANGE, lineWidth=3.0))
    diamond = slicer.vtkMRMLPlotSeriesNode.MarkerStyleDiamond
    return [*found, Series(_("The scans"), ages, brainAges, ORANGE, diamond, 14.0)]


def addMade(comparison: Comparison, made: Made) -> Any:
    """Add report and map to the later result; return the map's volume or None."""
    later = comparison.results[1]
    name = later.volumeNode.GetName()
    since = comparison.results[0].volumeNode.GetName()
    text = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", f"{name} {_('change report')}")
    text.SetAttribute(OURS, "followReport")
    text.SetText(made.report)
    text.SetForceCreateStorageNode(True)
    _own(later, REPORT, text, [text])
    if made.saliency is None:
        return None
    title = _("{name} change of the map since {earlier}").format(name=name, earlier=since)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", title)
    node.SetAttribute(OURS, CHANGE)
    slicer.util.updateVolumeFromArray(node, made.saliency.astype(np.float32))
    node.CopyOrientation(later.part(OVERLAY))
    node.SetAndObserveTransformNodeID(later.part(OVERLAY).GetTransformNodeID())
    colors = showInColors(node, made.saliency, f"{name} {_('change of the map colors')}")
    colors.SetAttribute(OURS, "colors")
    keepOutOfTree(colors)
    _own(later, CHANGE_MAP, node, [node, colors])
    return node


def _own(result: Result, role: str, node: Any, nodes: list[Any]) -> None:
    adopt(result, nodes)
    for each in nodes:
        result.recordNode.AddNodeReferenceID(OWNED, each.GetID())
    result.recordNode.SetNodeReferenceID(role, node.GetID())
