"""The result as a DICOM structured report: a measurement report by template TID 1500."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import InputError
from BrainAgeLib.extras import load_package
from BrainAgeLib.findings import SEQUENCE_WORDS
from BrainAgeLib.records import Prediction
from BrainAgeLib.report.record import prediction_to_dict
from BrainAgeLib.report.wording import SEVERITY_WORDS, VERDICT_WORDS
from BrainAgeLib.whole_file import written_atomically

MANUFACTURER = "SlicerBrainAge contributors"
SERIES_NUMBER = 9901
SERIES_DESCRIPTION = "Brain age, research use only"
# The concepts of the report: standard codes where there are some, else our own. DICOM part 16 (DCM)
# has the subject's age and words for limits and quality, but no brain age.
SCHEME = "99BRAINAGE"
LONGEST_MEANING = 64  # characters of a code's meaning in DICOM

# Value and meaning by what they stand for in the record.
NUMBERS = {
    "brain_age_years": ("brain-age", "Brain age, raw prediction"),
    "interval_low": ("interval-low", "Brain age, lower end of the interval"),
    "interval_high": ("interval-high", "Brain age, upper end of the interval"),
    "gap_years": ("gap", "Brain age gap, raw: predicted minus chronological"),
    "corrected_brain_age_years": ("corrected-brain-age", "Brain age, corrected for age bias"),
    "corrected_gap_years": ("corrected-gap", "Brain age gap, corrected for age bias"),
}
INTERVAL_LEVEL = ("interval-level", "Share of healthy people that the interval covers")
COVERS = ("interval-covers", "Scanners that the interval speaks of")
SCANNERS = {
    None: ("training-scanner", "The training's alone; this one was not seen"),
    "any scanner": ("any-scanner", "Any, also those that the model never saw"),
    "this site": ("this-site", "The calibrated scanner of this site"),
}
PERCENTILE = ("gap-percentile", "Percentile of the gap on the training's scanner, at that age")
VERDICT = ("quality-verdict", "Quality verdict")
FINDING = ("quality-finding", "Quality finding")
SEQUENCE = ("sequence", "Sequence that the picture shows")  # said where it is no plain T1
METHOD = ("bias-correction", "Age bias correction")
REPORT = ("brain-age-report", "Brain age report")
_SUBJECT_AGE = ("121033", "DCM", "Subject Age")
_SUMMARY = ("121106", "DCM", "Comment")
_BRAIN = ("12738006", "SCT", "Brain")
_YEAR = ("a", "UCUM", "year")
_PERCENT = ("%", "UCUM", "percent")


def dicom_packages() -> Any:
    """Return highdicom. Raises InputError with the line that installs it when it is missing."""
    line = 'pip install "slicerbrainage[dicom]"'
    return load_package("highdicom", InputError("--dicom needs the package highdicom", line))


def write_structured_report(prediction: Prediction, source: Sequence[Any], path: Path) -> None:
    """Write the result as a Comprehensive SR that refers to the images of ``source``.

    ``source``: headers from ``dicom_source``. A refused scan has its quality but no age. Raises
    BrainAgeError when it cannot be written.
    """
    report = structured_report(prediction, source)
    with written_atomically(path) as temporary:
        report.save_as(temporary, enforce_file_format=True)


def structured_report(prediction: Prediction, source: Sequence[Any]) -> Any:
    """Return the report as a pydicom data set."""
    hd = dicom_packages()
    content = hd.sr.MeasurementReport(
        observation_context=_observer(hd, prediction),
        procedure_reported=standard("113014", "DCM", "Study"),
        imaging_measurements=[_measurements(hd, prediction, source)],
        title=standard("126000", "DCM", "Imaging Measurement Report"),
        referenced_images=_listed(hd, source),
    )
    report = hd.sr.ComprehensiveSR(
        evidence=list(source),
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        is_verified=False,
    )
    report.SeriesDescription = SERIES_DESCRIPTION
    report.ManufacturerModelName = prediction.software.name
    report.SoftwareVersions = prediction.software.version
    return report


def _listed(hd: Any, source: Sequence[Any]) -> list[Any] | None:
    """Return the images whose places the report lists; None when a header lacks what that takes.

    They are referred to as evidence and by the measurements all the same.
    """
    try:
        hd.sr.ImageLibrary(list(source))
    except Exception:  # one of its own for each element that is missing, empty or odd
        return None
    return list(source)


def _observer(hd: Any, prediction: Prediction) -> Any:
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=hd.UID(),
        name=prediction.software.name,
        manufacturer_name=MANUFACTURER,
        model_name=prediction.software.name,
        serial_number=prediction.software.version,
    )
    return hd.sr.ObservationContext(
        observer_device_context=hd.sr.ObserverContext(
            observer_type=standard("121007", "DCM", "Device"),
            observer_identifying_attributes=device,
        )
    )


def _measurements(hd: Any, prediction: Prediction, source: Sequence[Any]) -> Any:
    """Return the one group of the report: everything is about the whole brain in one series."""
    model = prediction.model
    parameters = [f"weights sha256 {model.sha256}"]
    if prediction.correction is not None:
        parameters.append(f"age bias correction {prediction.correction.method}")
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=hd.UID(), identifier="Brain age"),
        finding_type=own(REPORT),
        finding_sites=[hd.sr.FindingSite(standard(*_BRAIN))],
        algorithm_id=hd.sr.AlgorithmIdentification(
            name=f"{prediction.software.name} {prediction.software.version}, {model.name}",
            version=model.version,
            parameters=parameters,
        ),
        measurements=_numbers(hd, prediction),
        qualitative_evaluations=_quality(hd, prediction),
        source_images=[
            hd.sr.SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID)
            for image in source
        ],
    )
    sentences = [prediction.notice, *(item.message for item in prediction.quality.findings)]
    for sentence in sentences:
        group[0].ContentSequence.append(
            hd.sr.TextContentItem(
                name=standard(*_SUMMARY),
                value=sentence,
                relationship_type=hd.sr.RelationshipTypeValues.CONTAINS,
            )
        )
    return group


def _numbers(hd: Any, prediction: Prediction) -> list[Any]:
    """Return what is known in numbers, as they stand in ``prediction.json``."""
    record = prediction_to_dict(prediction)
    record["interval_low"], record["interval_high"] = record["interval_years"] or (None, None)
    measurements = []
    if record["chronological_age_years"] is not None:
        name = standard(*_SUBJECT_AGE)
        measurements.append(
            hd.sr.Measurement(name, record["chronological_age_years"], standard(*_YEAR))
        )
    measurements += [
        hd.sr.Measurement(own(code), record[field], standard(*_YEAR))
        for field, code in NUMBERS.items()
        if record[field] is not None
    ]
    if record["interval_years"] is not None:
        level = own(INTERVAL_LEVEL)
        measurements.append(
            hd.sr.Measurement(level, 100 * record["interval_level"], standard(*_PERCENT))
        )
    if record["gap_percentile"] is not None:
        name = own(PERCENTILE)
        measurements.append(hd.sr.Measurement(name, record["gap_percentile"], standard(*_PERCENT)))
    return measurements


def _quality(hd: Any, prediction: Prediction) -> list[Any]:
    verdict = prediction.quality.verdict
    evaluations = [
        hd.sr.QualitativeEvaluation(own(VERDICT), own((verdict, VERDICT_WORDS[verdict])))
    ]
    for item in prediction.quality.findings:
        words = f"{SEVERITY_WORDS[item.severity].lower()}: {item.code.replace('_', ' ')}"
        value = own((item.code, words))
        evaluations.append(hd.sr.QualitativeEvaluation(own(FINDING), value))
    if prediction.sequence not in (None, "T1w"):
        value = own((prediction.sequence.replace(" ", "-"), SEQUENCE_WORDS[prediction.sequence]))
        evaluations.append(hd.sr.QualitativeEvaluation(own(SEQUENCE), value))
    if prediction.interval_years is not None:
        value = own(SCANNERS[prediction.interval_covers])
        evaluations.append(hd.sr.QualitativeEvaluation(own(COVERS), value))
    if prediction.correction is not None:
        method = prediction.correction.method
        value = own((method, f"{method}, {prediction.correction.people} people"))
        evaluations.append(hd.sr.QualitativeEvaluation(own(METHOD), value))
    return evaluations


def own(code: tuple[str, str]) -> Any:
    """Return a concept of our own scheme."""
    from highdicom.sr import CodedConcept

    value, meaning = code
    return CodedConcept(value, SCHEME, meaning[:LONGEST_MEANING])


def standard(value: str, scheme: str, meaning: str) -> Any:
    """Return a concept of a standard scheme."""
    from highdicom.sr import CodedConcept

    return CodedConcept(value, scheme, meaning)
