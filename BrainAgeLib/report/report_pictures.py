"""The slices in the report: contact sheet, saliency sheet, registered pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from BrainAgeLib.records import Pictures, SlicePicture
from BrainAgeLib.report.markup import Markup, element
from BrainAgeLib.report.report_images import (
    OLDER_COLOUR,
    YOUNGER_COLOUR,
    long_side_px,
    outlined,
    png_data_uri,
    saliency_scale_years,
    tinted,
)
from BrainAgeLib.report.report_print import print_columns


def input_sheet(slices: Sequence[SlicePicture]) -> Markup:
    """Show every acquired slice with the outline of the brain mask."""
    side = long_side_px(len(slices))
    figures = []
    for number, picture in enumerate(slices, start=1):
        words = _brain_in_words(picture.mask)
        image = outlined(picture, picture.mask, side)
        alt = f"Slice {number} of {len(slices)}, {words}."
        figures.append(_figure(_image(image, alt, "input-slice"), str(number)))
    return _sheet(figures)


def saliency_sheet(slices: Sequence[SlicePicture]) -> Markup | None:
    """Show the slices that the saliency map touches with the map in colour; None without a map."""
    scale = saliency_scale_years(slices)
    if scale is None:
        return None
    touched = [
        (number, picture)
        for number, picture in enumerate(slices, start=1)
        if picture.saliency_years is not None and np.any(picture.saliency_years)
    ]
    side = long_side_px(len(touched))
    figures = []
    for number, picture in touched:
        alt = f"Slice {number} of {len(slices)}, saliency map in colour."
        image = _image(tinted(picture, scale, side), alt, "saliency-slice")
        figures.append(_figure(image, str(number)))
    return element("div", _saliency_legend(scale), _sheet(figures))


def registered_pairs(pictures: Pictures) -> Markup | None:
    """Show registered slices beside the template's, the template's brain outlined on both.

    None when there are no registered slices.
    """
    pairs = list(zip(pictures.registered_slices, pictures.template_slices, strict=False))
    if not pairs:
        return None
    side = long_side_px(2 * len(pairs))
    figures = []
    for number, (scan, template) in enumerate(pairs, start=1):
        mask = template.mask
        on_scan = mask if mask is not None and mask.shape == scan.grey.shape else None
        place = f"Pair {number} of {len(pairs)}"
        images = (
            _image(outlined(scan, on_scan, side), f"{place}: the registered scan.", "registered"),
            _image(outlined(template, mask, side), f"{place}: the template.", "template"),
        )
        captions = element("figcaption", element("span", "scan"), element("span", "template"))
        figures.append(element("figure", *images, captions, class_="pair"))
    return element("div", *figures, class_="pairs")


def _brain_in_words(mask: np.ndarray | None) -> str:
    if mask is None:
        return "brain not outlined"
    return "brain outlined" if mask.any() else "no brain found in it"


def _image(image: Image.Image, alt: str, kind: str) -> Markup:
    width, height = image.size
    source = png_data_uri(image)
    return element("img", class_=kind, src=source, alt=alt, width=width, height=height)


def _figure(image: Markup, caption: str) -> Markup:
    return element("figure", image, element("figcaption", caption))


def _sheet(figures: Sequence[Markup]) -> Markup:
    columns = f"--columns: {print_columns(len(figures))}"
    return element("div", *figures, class_="sheet", style=columns)


def _saliency_legend(scale_years: float) -> Markup:
    """Draw the colour scale with its ends in years."""
    end = f"{scale_years:.2g}"
    stops = (
        element("stop", offset="0", stop_color=f"rgb{YOUNGER_COLOUR}"),
        element("stop", offset="0.5", stop_color="#808080", stop_opacity="0.25"),
        element("stop", offset="1", stop_color=f"rgb{OLDER_COLOUR}"),
    )
    bar = element(
        "svg",
        element("defs", element("linearGradient", *stops, id="saliency-scale")),
        element("rect", width="100%", height="100%", rx="3", fill="url(#saliency-scale)"),
        class_="scale",
        aria_hidden="true",
    )
    return element(
        "p",
        element("span", f"makes the prediction younger, \u2212{end} years"),
        bar,
        element("span", f"+{end} years, makes it older"),
        class_="legend",
    )
