"""The result as a DICOM structured report: a measurement report by template TID 1500."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from BrainAgeLib.records import Prediction
from BrainAgeLib.report import dicom_codes as codes
from BrainAgeLib.report.dicom_source import MANUFACTURER, dicom_packages
from BrainAgeLib.report.record import prediction_to_dict
from BrainAgeLib.report.wording import VERDICT_WORDS
from BrainAgeLib.whole_file import written_atomically

SERIES_NUMBER = 9901
SERIES_DESCRIPTION = "Brain age, research use only"
_SUBJECT_AGE = ("121033", "DCM", "Subject Age")
_SUMMARY = ("121106", "DCM", "Comment")
_BRAIN = ("12738006", "SCT", "Brain")


def write_structured_report(prediction: Prediction, source: Sequence[Any], path: Path) -> None:
    """Write the result as a Comprehensive SR that refers to the images of ``source``.

    ``source``: headers from ``read_source``. A refused scan has its quality but no age. Raises
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
        procedure_reported=codes.standard("113014", "DCM", "Study"),
        imaging_measurements=[_measurements(hd, prediction, source)],
        title=codes.standard("126000", "DCM", "Imaging Measurement Report"),
        referenced_images=list(source),
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
            observer_type=codes.standard("121007", "DCM", "Device"),
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
        finding_type=codes.own(codes.REPORT),
        finding_sites=[hd.sr.FindingSite(codes.standard(*_BRAIN))],
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
                name=codes.standard(*_SUMMARY),
                value=sentence,
                relationship_type=hd.sr.RelationshipTypeValues.CONTAINS,
            )
        )
    return group


def _numbers(hd: Any, prediction: Prediction) -> list[Any]:
    """Return what is known in numbers, as they stand in ``prediction.json``."""
    record = prediction_to_dict(prediction)
    record["interval_low"], record["interval_high"] = record["interval_years"] or (None, None)
    found = []
    if record["chronological_age_years"] is not None:
        name = codes.standard(*_SUBJECT_AGE)
        found.append(hd.sr.Measurement(name, record["chronological_age_years"], codes.years()))
    found += [
        hd.sr.Measurement(codes.own(code), record[field], codes.years())
        for field, code in codes.NUMBERS.items()
        if record[field] is not None
    ]
    if record["interval_years"] is not None:
        level = codes.own(codes.INTERVAL_LEVEL)
        found.append(hd.sr.Measurement(level, 100 * record["interval_level"], codes.percent()))
    if record["gap_percentile"] is not None:
        name = codes.own(codes.PERCENTILE)
        found.append(hd.sr.Measurement(name, record["gap_percentile"], codes.percent()))
    return found


def _quality(hd: Any, prediction: Prediction) -> list[Any]:
    verdict = prediction.quality.verdict
    found = [
        hd.sr.QualitativeEvaluation(
            codes.own(codes.VERDICT), codes.own((verdict, VERDICT_WORDS[verdict]))
        )
    ]
    for item in prediction.quality.findings:
        words = f"{item.severity}: {item.code.replace('_', ' ')}"
        value = codes.own((item.code, words))
        found.append(hd.sr.QualitativeEvaluation(codes.own(codes.FINDING), value))
    if prediction.correction is not None:
        method = prediction.correction.method
        value = codes.own((method, f"{method}, {prediction.correction.people} people"))
        found.append(hd.sr.QualitativeEvaluation(codes.own(codes.METHOD), value))
    return found
