"""The plot of a result among the reference people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk

import worker_files
from BrainAgeLib.records import Reference
from BrainAgeLib.report.record import prediction_from_dict
from worker_files import addResult

COUNT = 600


@pytest.fixture
def reference(world):
    random = np.random.default_rng(1)
    ages = random.uniform(18, 88, COUNT)
    predicted = 0.85 * ages + 8 + random.normal(0, 6, COUNT)
    return Reference(tuple(ages), tuple(predicted), "people")


def drawn(chartNode, path: Path) -> np.ndarray:
    """Draw a chart node as the plot view does: the same VTK charts, the same properties."""
    view = vtk.vtkContextView()
    view.GetRenderWindow().SetOffScreenRendering(1)
    view.GetRenderWindow().SetSize(560, 460)
    view.GetRenderer().SetBackground(1, 1, 1)
    chart = vtk.vtkChartXY()
    view.GetScene().AddItem(chart)
    chart.SetShowLegend(True)
    chart.GetLegend().SetHorizontalAlignment(vtk.vtkChartLegend.LEFT)
    chart.GetLegend().SetVerticalAlignment(vtk.vtkChartLegend.TOP)
    chart.SetTitle(chartNode.GetTitle())
    chart.GetAxis(vtk.vtkAxis.BOTTOM).SetTitle(chartNode.GetXAxisTitle())
    chart.GetAxis(vtk.vtkAxis.LEFT).SetTitle(chartNode.GetYAxisTitle())
    for index in range(chartNode.GetNumberOfPlotSeriesNodes()):
        series = chartNode.GetNthPlotSeriesNode(index)
        hasLine = series.GetLineStyle() != series.LineStyleNone
        plot = chart.AddPlot(vtk.vtkChart.LINE if hasLine else vtk.vtkChart.POINTS)
        plot.SetInputData(series.GetTableNode().GetTable(), 0, 1)
        plot.SetColorF(*series.GetColor())
        plot.SetWidth(series.GetLineWidth() if hasLine else 1.0)
        plot.SetLabel(series.GetName())
        plot.GetPen().SetLineType(series.GetLineStyle() if hasLine else vtk.vtkPen.NO_PEN)
        plot.SetMarkerStyle(series.GetMarkerStyle())
        plot.SetMarkerSize(series.GetMarkerSize())
    view.GetRenderWindow().Render()
    grabbed = vtk.vtkWindowToImageFilter()
    grabbed.SetInput(view.GetRenderWindow())
    writer = vtk.vtkPNGWriter()
    writer.SetInputConnection(grabbed.GetOutputPort())
    writer.SetFileName(str(path))
    writer.Write()
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def predictionWith(**changes):
    return prediction_from_dict(worker_files.record(**changes))


def test_the_band_holds_nine_of_ten_people(reference):
    from BrainAgeSlicer.plot import bandOf

    ages, predicted = np.array(reference.ages_years), np.array(reference.predicted_years)
    grid, low, high = bandOf(ages, predicted, 0.9)
    inside = (predicted > np.interp(ages, grid, low)) & (predicted < np.interp(ages, grid, high))
    assert 0.87 < inside.mean() < 0.93


def test_few_people_make_no_band(world):
    from BrainAgeSlicer.plot import bandOf

    assert bandOf(np.array([20.0, 30.0, 40.0]), np.array([20.0, 30.0, 40.0]), 0.9).shape == (3, 0)


def test_the_person_is_a_point_with_an_interval(reference):
    from BrainAgeSlicer.plot import seriesOf

    *_others, interval, point = seriesOf(predictionWith(), reference)
    assert (point.x[0], point.y[0]) == (63.0, 67.4)
    assert interval.y.tolist() == [57.1, 77.9]


def test_without_an_age_the_person_is_a_line(reference):
    from BrainAgeSlicer.plot import seriesOf

    last = seriesOf(predictionWith(chronological_age_years=None), reference)[-1]
    assert last.y.tolist() == [67.4, 67.4] and "not known" in last.name


def test_the_chart_is_drawn(world, reference, tmp_path, pictures):
    import phantom
    from BrainAgeSlicer import results
    from BrainAgeSlicer.plot import addChart

    result = addResult(phantom.addHead(), tmp_path)
    chart = addChart(result, reference)
    assert result.part(results.CHART) is chart
    assert "research use only" in chart.GetTitle()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") == 6
    picture = drawn(chart, pictures / "plot.png").astype(int)
    orange = (picture[..., 0] > 200) & (picture[..., 2] < 60)
    assert orange.sum() > 50
