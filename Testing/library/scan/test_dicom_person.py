import pytest

from BrainAgeLib.scan.dicom_person import age_years_of, sex_of


@pytest.mark.parametrize(
    ("text", "age_years"),
    [
        ("063Y", 63.0),
        ("63Y", 63.0),
        ("063y", 63.0),
        ("018M", 1.5),
        ("010W", 70 / 365.25),
        ("400D", 400 / 365.25),
        ("120Y", 120.0),
        ("000Y", None),  # what removed data look like
        ("121Y", None),
        ("999Y", None),
        ("", None),
        ("9" * 5000 + "Y", None),
        ("063", None),
        ("Y", None),
        ("-63Y", None),
        ("ANON", None),
    ],
)
def test_patient_age(text, age_years):
    assert age_years_of(text, "", "") == (age_years and pytest.approx(age_years))


@pytest.mark.parametrize(
    ("born", "seen", "age_years"),
    [
        ("19570301", "20200301", 63.0),
        ("1957.03.01", "2020.03.01", 63.0),
        ("19570301", "20200830", 63.5),
        ("19570301", "", None),
        ("", "20200301", None),
        ("19570231", "20200301", None),
        ("20210301", "20200301", None),
        ("18000101", "20200301", None),
        ("1957", "20200301", None),
    ],
)
def test_age_from_dates(born, seen, age_years):
    expected = age_years and pytest.approx(age_years, abs=0.005)

    assert age_years_of("", born, seen) == expected


@pytest.mark.parametrize(
    ("text", "age_years"), [("062Y", 62.0), ("junk", 63.0), ("000Y", 63.0), ("999Y", 63.0)]
)
def test_an_age_goes_before_the_dates_when_it_can_be_one(text, age_years):
    assert age_years_of(text, "19570301", "20200301") == pytest.approx(age_years, abs=0.005)


@pytest.mark.parametrize(
    ("text", "sex"), [("F", "F"), ("M", "M"), ("f", "F"), ("O", None), ("", None), ("FM", None)]
)
def test_sex(text, sex):
    assert sex_of(text) == sex
