import pytest

from BrainAgeLib.scan.dicom_person import age_not_read, age_years_of, sex_of, two_ages


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
        ("063", 63.0),  # without a unit: years
        ("42", 42.0),
        (" 063Y ", 63.0),
        ("63 Y", 63.0),
        ("63.5", 63.5),
        ("63,5", 63.5),
        ("63 years", 63.0),
        ("18 months", 1.5),
        ("063X", None),
        ("0", None),
        ("42 or so", None),
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
        # What stands where a date was removed.
        ("19000101", "20150601", None),
        ("18991230", "19900601", None),
        ("19010101", "20000101", None),
        ("19570301", "19700101", None),
        ("19570301", "19000101", None),
        ("00010101", "00010101", None),
        ("11111111", "20200301", None),
        ("19000601", "20200301", None),
        ("19100601", "20030601", 93.0),
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
    ("text", "born", "seen", "difference_years"),
    [
        ("42", "19660101", "20130717", 5.5),
        ("063Y", "19900101", "20200101", -33.0),
        ("006M", "19570301", "20200301", 62.5),
    ],
)
def test_two_ages_that_contradict_each_other_are_told(text, born, seen, difference_years):
    finding = two_ages(text, born, seen)

    assert finding.severity == "warn"
    assert finding.value == pytest.approx(difference_years, abs=0.05)
    assert "--age" in finding.message


@pytest.mark.parametrize(
    ("text", "born", "seen"),
    [
        ("063Y", "19570301", "20200229"),
        ("063Y", "19560302", "20200229"),
        ("063Y", "", "20200229"),
        ("", "19570301", "20200229"),
        ("063Y", "19000101", "20200229"),  # no date, but what stands for one
        ("999Y", "19570301", "20200229"),
    ],
)
def test_ages_that_agree_or_are_one_say_nothing(text, born, seen):
    assert two_ages(text, born, seen) is None


@pytest.mark.parametrize(
    ("text", "sex"), [("F", "F"), ("M", "M"), ("f", "F"), ("O", None), ("", None), ("FM", None)]
)
def test_sex(text, sex):
    assert sex_of(text) == sex


@pytest.mark.parametrize("text", ["032J", "ANON", "-32Y", "032Y\\045Y", "abcY", ""])
def test_an_age_that_is_there_and_cannot_be_read_is_told(text):
    finding = age_not_read(text)

    assert (finding.code, finding.severity) == ("age_not_read", "note")
    assert not text or text not in finding.message  # it may be anything, a name for one


@pytest.mark.parametrize("text", ["063Y", "42", "000Y", "999Y"])
def test_an_age_that_can_be_read_is_not_told_of(text):
    assert age_not_read(text) is None
    assert age_not_read("", is_there=False) is None
