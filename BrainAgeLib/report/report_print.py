"""How the report prints: everything on one A4 page.

The usual report, of up to some 40 slices and a handful of findings, fits; what is longer goes on to
a second page and loses nothing.
"""

from __future__ import annotations

import math

SHEET_WIDTH_MM, SHEET_HEIGHT_MM = 188.0, 32.0
HEIGHT_OF_A_PICTURE = 1.15  # of its width; heads are longer than wide
CAPTION_MM = 2.5
LEAST_COLUMNS = 12

PRINT_STYLE = """
@page {
  size: A4; margin: 8mm 11mm 10mm;
  @bottom-left { content: "Brain age report. Research use only, not a medical device.";
    font: 6.5pt sans-serif; color: #566270; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 6.5pt sans-serif;
    color: #566270; }
}
@media print {
  html { font-size: 6.3pt; }
  body { line-height: 1.3; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; display: grid; column-gap: 6mm;
    grid-template-columns: 54mm 1fr; grid-template-rows: repeat(3, auto) 1fr; align-items: start; }
  main > * { grid-column: 1 / -1; }
  .comparison { grid-column: 1; grid-row: 3 / span 2; }
  .correction, .reading { grid-column: 2; }
  .correction { grid-row: 3; } .reading { grid-row: 4; }
  section { margin-top: 1.5mm; break-inside: avoid; }
  h2 { margin-bottom: .8mm; padding-bottom: .4mm; break-after: avoid; }
  p, .reading ul { max-width: none; margin-bottom: .8mm; }
  .notice { margin: 1.2mm 0 1.8mm; padding: 1mm 2mm; }
  .result { gap: 2mm 8mm; } .age { font-size: 3rem; }
  .facts div { padding: .3mm 0; } .facts small { display: inline; margin-left: .6em; }
  .comparison-words { margin-top: 1mm; } .verdict { margin-top: 1mm; padding: .8mm 2mm; }
  .refusal { padding: 2mm 3mm; margin-bottom: 1.5mm; }
  th, td { padding: .3mm 3mm .3mm 0; }
  tr, .refusal { break-inside: avoid; }
  .tiles { grid-template-columns: repeat(5, 1fr); gap: .6mm 2mm; margin-bottom: .8mm; }
  .slices .tiles dt, .slices .tiles dd { display: inline; margin-right: .6em; }
  .correction .tiles { grid-template-columns: repeat(4, 1fr); }
  .correction .tiles div:last-child { grid-column: auto; }
  .comparison .figure { display: block; } .plot { width: 54mm; }
  .plot text { font-size: 18px; }
  .marks { margin-top: .5mm; columns: 2; font-size: .85rem; }
  .marks li { margin-bottom: .2mm; break-inside: avoid; gap: .3rem; }
  .reading li { margin-bottom: .3mm; }
  .sheet { grid-template-columns: repeat(var(--columns), 1fr); gap: .5mm; }
  .pairs { grid-template-columns: repeat(6, 1fr); gap: 1.5mm; }
  figcaption { font-size: .75rem; line-height: 1.2; }
  .legend { margin-bottom: .5mm; }
  .origin-facts, .origin-facts tbody { display: block; }
  .origin-facts tr { display: inline; margin-right: 4mm; }
  .origin-facts th, .origin-facts td { display: inline; border: 0; padding: 0 1mm 0 0; }
  footer { display: none; }
}
"""


def print_columns(pictures: int) -> int:
    """Return into how many columns a sheet of pictures goes on paper so that it is low enough."""

    def height_mm(columns: int) -> float:
        picture_mm = SHEET_WIDTH_MM / columns * HEIGHT_OF_A_PICTURE
        return math.ceil(pictures / columns) * (picture_mm + CAPTION_MM)

    columns = LEAST_COLUMNS
    while height_mm(columns) > SHEET_HEIGHT_MM and columns < pictures:
        columns += 1
    return columns
