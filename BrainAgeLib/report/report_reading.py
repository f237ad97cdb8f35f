"""How to read the report: what the numbers say and what they do not."""

from __future__ import annotations

from BrainAgeLib.records import Prediction
from BrainAgeLib.report.markup import Markup, element

_EXPLANATIONS = (
    (
        "Pictures first.",
        "If the outline leaves the brain or the registration is off, nothing else in this report "
        "holds.",
    ),
    (
        "Raw brain age.",
        "What the model reads from the picture alone. It knows neither the person's age nor their "
        "sex, and no correction has touched it.",
    ),
    (
        "Interval.",
        "In about {level} of 100 healthy people, scanned like those that the model was checked on, "
        "the chronological age lies inside. For other scanners and other groups it may be too "
        "narrow.",
    ),
    (
        "Gap.",
        "Raw brain age minus chronological age. Models of this kind guess young people too old and "
        "old people too young, so raw gaps shift with age: compare people of one age only, or use "
        "the corrected gap.",
    ),
    (
        "Corrected gap.",
        "The gap less that average shift, from a line fitted on healthy people. It makes people of "
        "different ages comparable; it is not a better measurement.",
    ),
    (
        "No diagnosis.",
        "Scanner, slice thickness, motion and chance move the gap by years. A gap in one person is "
        "not evidence of disease or of accelerated ageing.",
    ),
)


def how_to_read(prediction: Prediction) -> Markup:
    """Return one sentence or two on each number of the report."""
    level = f"{prediction.interval_level * 100:g}"
    return element(
        "ul",
        *(
            element("li", element("strong", term), " ", words.format(level=level))
            for term, words in _EXPLANATIONS
        ),
    )
