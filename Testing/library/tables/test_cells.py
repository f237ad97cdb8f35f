"""Ages and sexes as people write them: the right value, nothing or a sentence."""

from __future__ import annotations

import pytest

from BrainAgeLib.tables.cells import age_of, sex_of, unit_of


@pytest.mark.parametrize(
    ("text", "age_years"),
    [
        *(("63.5", 63.5), ("63,5", 63.5), (" 7 ", 7.0), ("63.", 63.0), ("0,5", 0.5)),
        *(("063Y", 63.0), ("006M", 0.5), ("018m", 1.5), ("63 years", 63.0), ("63yrs.", 63.0)),
        *(("6 months", 0.5), ("24 mo", 2.0), ("24 Monate", 2.0), ("63 Jahre", 63.0)),
        *(("62 y 3 m", 62.25), ("62 years, 6 months", 62.5), ("62 years and 6 months", 62.5)),
        *(("63 years old", 63.0), ("63\u00a0y", 63.0), ("６３", 63.0)),
    ],
)
def test_an_age_in_years(text, age_years):
    assert age_of(text) == pytest.approx(age_years, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "unit", "age_years"),
    [
        *(("24", "months", 2.0), ("90", "months", 7.5), ("761", "months", 63 + 5 / 12)),
        *(("23011", "days", 63.0007), ("26,5", "weeks", 0.50788), ("63", "years", 63.0)),
        *(("63 years", "months", 63.0), ("063Y", "days", 63.0)),  # the cell knows better
    ],
)
def test_a_number_in_the_unit_of_its_column(text, unit, age_years):
    assert age_of(text, unit) == pytest.approx(age_years, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "age_years"),
    [("012W", 0.22998), ("12 weeks", 0.22998), ("0400D", 1.09514), ("400 days", 1.09514)],
)
def test_weeks_and_days(text, age_years):
    assert age_of(text) == pytest.approx(age_years, abs=1e-5)


@pytest.mark.parametrize("text", ["63 Jahre", "63 ans", "63 años", "63 anni", "63 år", "63 jaar"])
def test_years_in_other_languages(text):
    assert age_of(text) == 63.0


@pytest.mark.parametrize("text", ["", " ", "n/a", "NaN", "NA", "unknown", "-", "?", "#N/A", None])
def test_an_empty_cell(text):
    assert age_of(text) is None


@pytest.mark.parametrize(
    "text", ["89+", ">89", "> 89", "≥ 90", ">=90", "90 or older", "Over 89", "60-65", "60 to 65"]
)
def test_a_cell_that_hides_the_age(text):
    assert age_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("old", "-3", "0", "inf", "400", "about 60", "1e2", "6 6", "63.5.1", "63 y 4 y", "63 F"),
        *("5 years 3", "2024-11-28", "born 1950", "abc+", "1_0"),
    ],
)
def test_what_cannot_be_an_age(text):
    with pytest.raises(ValueError, match="age"):
        age_of(text)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        *(("months", "months"), ("Month", "months"), ("mo", "months"), ("weeks", "weeks")),
        *(("d", "days"), ("days", "days"), ("years", "years"), ("yr", "years"), ("a", "years")),
        *(("Years (integer)", "years"), ("months at scan", "months"), ("", "years")),
    ],
)
def test_units(text, unit):
    assert unit_of(text) == unit


@pytest.mark.parametrize("text", ["fortnights", "years and months", "decades"])
def test_units_that_are_not_understood(text):
    with pytest.raises(ValueError, match="years, months, weeks or days"):
        unit_of(text)


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        *(
            ("F", "F"),
            ("f", "F"),
            ("female", "F"),
            ("W", "F"),
            ("weiblich", "F"),
            ("Femme", "F"),
            ("Frau", "F"),
        ),
        *(("M", "M"), ("Male", "M"), ("männlich", "M"), ("hombre", "M"), ("Mann", "M")),
        *(("n/a", None), ("U", None), (None, None), ("Unknown", None)),
    ],
)
def test_sexes(text, sex):
    assert sex_of(text) == sex


@pytest.mark.parametrize("text", ["63", "X", "divers"])
def test_what_is_neither(text):
    with pytest.raises(ValueError, match=f"'{text}'"):
        sex_of(text)


@pytest.mark.parametrize(
    ("text", "unit"), [("11,000", "days"), ("22.915", "days"), ("1,560", "weeks")]
)
def test_a_sign_that_may_stand_between_thousands_is_no_decimal(text, unit):
    with pytest.raises(ValueError, match="between thousands"):
        age_of(text, unit)


@pytest.mark.parametrize(
    ("text", "unit", "age_years"),
    [("63,512", "years", 63.512), ("756.125", "months", 63.01), ("10000.125", "days", 27.379)],
)
def test_decimals_that_cannot_be_thousands(text, unit, age_years):
    assert age_of(text, unit) == pytest.approx(age_years, abs=0.001)
