"""The plot of one result: the reference people, where 90 % of them lie, and this person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from BrainAgeLib.records import Prediction, Reference
from BrainAgeSlicer.results import CHART, Result, adopt, keepOutOfTree
from BrainAgeSlicer.volumes import OURS

AGE = "Age"
BRAIN_AGE = "Brain age"
BAND_STEP_YEARS = 2.0
BAND_WINDOW_YEARS = 8.0  # to either side; wide enough for some 60 people of 600
FEWEST_IN_WINDOW = 20
GREY = (0.55, 0.55, 0.58)
BLUE = (0.16, 0.44, 0.78)
ORANGE = (0.90, 0.36, 0.05)


@dataclass(frozen=True)
class Series:
    """One series of the plot. ``marker``: a constant of vtkMRMLPlotSeriesNode, or None: a line."""

    name: str
    x: np.ndarray
    y: np.ndarray
    color: tuple[float, float, float]
    marker: int | None = None
    markerSize: float = 4.0
    lineWidth: float = 2.0
    dashed: bool = False
    opacity: float = 1.0

    def addTo(self, chart: Any) -> list[Any]:
        """Add the series to a chart; return the nodes that it is made of."""
        if not len(self.x):
            return []
        name = f"{chart.GetName()}: {self.name}"
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
        table.SetHideFromEditors(True)
        for title, values in ((AGE, self.x), (BRAIN_AGE, self.y)):
            _addColumn(table, title, values)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", self.name)
        node.SetAndObserveTableNodeID(table.GetID())
        node.SetXColumnName(AGE)
        node.SetYColumnName(BRAIN_AGE)
        node.SetPlotType(node.PlotTypeScatter)
        node.SetColor(*self.color)
        node.SetOpacity(self.opacity)
        if self.marker is None:
            node.SetMarkerStyle(node.MarkerStyleNone)
            node.SetLineStyle(node.LineStyleDash if self.dashed else node.LineStyleSolid)
            node.SetLineWidth(self.lineWidth)
        else:
            node.SetLineStyle(node.LineStyleNone)
            node.SetMarkerStyle(self.marker)
            node.SetMarkerSize(self.markerSize)
        chart.AddAndObservePlotSeriesNodeID(node.GetID())
        for each in (table, node):
            keepOutOfTree(each)
        return [table, node]


def newChart(name: str) -> tuple[Any, list[Any]]:
    """Add an empty plot of brain ages; return its chart, and the nodes that make it up so far."""
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetAttribute(OURS, "chart")
    chart.SetYAxisTitle(_("Raw brain age (years)"))
    chart.SetLegendVisibility(True)
    return chart, [chart]


def addChart(result: Result, reference: Reference | None) -> Any:
    """Add the plot of a result to the scene; return its chart node, or None after a refusal."""
    prediction = result.prediction
    if prediction.brain_age_years is None:
        return None
    name = result.volumeNode.GetName()
    chart, nodes = newChart(f"{name} {_('brain age plot')}")
    chart.SetTitle(_("Brain age of {name} (research use only)").format(name=name))
    chart.SetXAxisTitle(_("Chronological age (years)"))
    for series in seriesOf(prediction, reference):
        nodes += series.addTo(chart)
    adopt(result, nodes)
    result.recordNode.SetNodeReferenceID(CHART, chart.GetID())
    return chart


def seriesOf(prediction: Prediction, reference: Reference | None) -> list[Series]:
    """Return what the plot shows, back to front."""
    node = slicer.vtkMRMLPlotSeriesNode
    ages = np.array(reference.ages_years if reference else ())
    series: list[Series] = []
    if reference and len(ages):
        predicted = np.array(reference.predicted_years)
        circle = node.MarkerStyleCircle
        cloud = _("Reference people")
        series.append(Series(cloud, ages, predicted, GREY, circle, 4.0, opacity=0.6))
        band = bandOf(ages, predicted, prediction.interval_level)
        percent = round(100 * prediction.interval_level)
        for label, edge in ((_("{n} % of them, low"), 1), (_("{n} % of them, high"), 2)):
            series.append(Series(label.format(n=percent), band[0], band[edge], BLUE))
    limits = np.array(_limits(prediction, ages))
    series.append(Series(_("Brain age = age"), limits, limits, GREY, lineWidth=1.0, dashed=True))
    return series + _person(prediction, limits)


def bandOf(ages: np.ndarray, predicted: np.ndarray, level: float) -> np.ndarray:
    """Return (3, n): ages, and the low and high predicted age between which ``level`` of the
    reference people of about that age lie."""
    grid = np.arange(np.ceil(ages.min()), ages.max(), BAND_STEP_YEARS)
    rows = []
    for age in grid:
        # Shifted to this age first, or the slope within the window would widen the band.
        near = np.abs(ages - age) <= BAND_WINDOW_YEARS
        if near.sum() >= FEWEST_IN_WINDOW:
            slope, intercept = np.polyfit(ages[near], predicted[near], 1)
            residuals = predicted[near] - (slope * ages[near] + intercept)
            low, high = np.quantile(residuals, [(1 - level) / 2, (1 + level) / 2])
            rows.append((age, slope * age + intercept + low, slope * age + intercept + high))
    return np.array(rows).T if rows else np.zeros((3, 0))


def _limits(prediction: Prediction, ages: np.ndarray) -> tuple[float, float]:
    known = [*prediction.model.age_range_years, *ages]
    known += [age for age in (prediction.chronological_age_years,) if age is not None]
    return float(min(known)), float(max(known))


def _person(prediction: Prediction, limits: np.ndarray) -> list[Series]:
    brainAge = np.array([prediction.brain_age_years], dtype=float)
    percent = round(100 * prediction.interval_level)
    interval = _("This scan, {n} % interval").format(n=percent)
    age = prediction.chronological_age_years
    if age is None:  # nowhere along the axis: a line across
        across = Series(_("This scan (age not known)"), limits, brainAge.repeat(2), ORANGE)
        return [across]
    diamond = slicer.vtkMRMLPlotSeriesNode.MarkerStyleDiamond
    point = Series(_("This scan"), np.array([age]), brainAge, ORANGE, diamond, 14.0)
    if prediction.interval_years is None:
        return [point]
    ends = np.array(prediction.interval_years, dtype=float)
    return [Series(interval, np.array([age, age]), ends, ORANGE, lineWidth=3.0), point]


def _addColumn(table: Any, title: str, values: Sequence[float] | np.ndarray) -> None:
    column = vtk.vtkFloatArray()
    column.SetName(title)
    for value in values:
        column.InsertNextValue(float(value))
    table.AddColumn(column)
    table.SetColumnUnitLabel(title, "years")
