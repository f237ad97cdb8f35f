"""From a scan to a brain age: the story of the whole program, from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from BrainAgeLib.ahead import spare_thread
from BrainAgeLib.case import Case, ScanSource, read
from BrainAgeLib.findings import FindingCode
from BrainAgeLib.gate import contrast
from BrainAgeLib.gate.evidence import Evidence
from BrainAgeLib.gate.field_of_view import template_grid
from BrainAgeLib.gate.gate import judge, measure, no_brain, not_registered, on_the_cpu_instead
from BrainAgeLib.gate.sequence import read_as, told
from BrainAgeLib.model.devices import DeviceInUse
from BrainAgeLib.model.ensemble import Ensemble, RawAge, load_ensemble
from BrainAgeLib.model.interpretation import (
    NO_CORRECTION,
    Interpretation,
    Interpreter,
    chosen_correction,
)
from BrainAgeLib.model.saliency import leaning_on_regions
from BrainAgeLib.model.site import read_site
from BrainAgeLib.model.weights import check_harmonisation
from BrainAgeLib.options import Options
from BrainAgeLib.process import own_chance, take_working_memory, threads
from BrainAgeLib.records import (
    T1_LIKE,
    Finding,
    Prediction,
    ProgressCallback,
    Quality,
    RegionLeaning,
    Result,
)
from BrainAgeLib.report.shown_slices import pictures_of
from BrainAgeLib.scan.brain_extraction import extract_brain, mask_of_extracted
from BrainAgeLib.software import software_record
from BrainAgeLib.stages import Advance, Stages
from BrainAgeLib.template.harmonisation import harmonising_network
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import make_template_ready, register_to_template
from BrainAgeLib.template.scan_maps import ScanMaps, covers_the_brain, maps_of_scan
from BrainAgeLib.template.search import RegistrationError
from BrainAgeLib.template.sequences import network_of, sequence_network
from BrainAgeLib.template.template import Template, load_template

logger = logging.getLogger(__name__)
MOST_REGIONS = 3  # named in a record


@dataclass(frozen=True)
class Tools:
    """What scans are worked on with, found and checked before the first of them."""

    options: Options
    device: DeviceInUse
    ensemble: Ensemble
    interpreter: Interpreter
    template: Template

    def get_ready(self) -> None:
        """Make what a process's first scan waits for after its registration; it is kept then."""
        self.device.run(self.ensemble.weights)
        template_grid(self.template)
        _ = self.template.tissues


@dataclass(frozen=True)
class Answer:
    """What gate and models say; None is what nobody could or should say.

    ``measured``: what each family of checks measured. ``saliency_years``: where the age comes from,
    (k, j, i) on the voxels of a case. ``leans_on``: the regions over which that is strongest.
    """

    findings: tuple[Finding, ...]
    measured: dict[str, Any] | None = None
    raw: RawAge | None = None
    maps: ScanMaps | None = None
    meaning: Interpretation | None = None
    saliency_years: np.ndarray | None = None
    leans_on: tuple[RegionLeaning, ...] | None = None


def run(
    scan: ScanSource,
    options: Options,
    on_progress: ProgressCallback | None = None,
    on_read: Callable[[], None] = lambda: None,
) -> Result:
    """Do the whole job on one scan and return all that comes of it.

    ``on_read`` is called once the options hold and the scan was read, before the work on it.
    A refusal by the gate is a result. Raises BrainAgeError for what cannot be read or used.
    """
    with threads(options.threads), own_chance(), spare_thread(torch.get_num_threads()) as ahead:
        tools, stages = prepare(options), Stages(on_progress)
        with stages.stage("read"):
            case = read(scan, options)
        on_read()
        ahead(lambda: make_template_ready(tools.template))
        with stages.stage("brain_extraction", skipped=options.has_no_skull):
            case, mask = find_brain_in_view(case, tools)
            case = case.with_lost_brain(mask)
        if not mask.any():
            return conclude(case, tools, stages, Answer((no_brain(),)))
        try:
            with stages.stage("registration", skipped=options.in_template_space) as advance:
                placed = place(case, mask, tools, advance)
        except RegistrationError:
            return conclude(case, tools, stages, Answer((not_registered(),)), mask)
        with stages.stage("prediction"):
            answer = answer_of(case, placed, tools)
        if options.saliency and answer.maps and not is_withheld(case, answer, tools):
            with stages.stage("saliency") as advance:
                answer = explain(answer, answer.maps, placed, tools, advance)
        return conclude(case, tools, stages, answer, mask, placed)


def prepare(options: Options) -> Tools:
    """Return what the options ask for. Raises InputError for what is not there."""
    take_working_memory()
    harmonising_network("cpu")  # found and checked like the rest
    device = DeviceInUse(options.device)
    ensemble = load_ensemble(options.model)
    check_harmonisation(ensemble.folder, ensemble.card)
    for sequence in ensemble.card.calibration.sequences:
        sequence_network("cpu", network_of(sequence))
    correction = chosen_correction(ensemble.card, options.correction)
    site = read_site(options.site, ensemble.record) if options.site else None
    interpreter = Interpreter(ensemble.card, correction, site)
    return Tools(options, device, ensemble, interpreter, load_template())


def find_brain_in_view(case: Case, tools: Tools) -> tuple[Case, np.ndarray]:
    """Return the case without empty slices that cut the brain off, and its mask (k, j, i), bool."""
    mask = find_brain(case, tools)
    seen = case.cut_to_signal(mask)
    # Again, as in a file that ends there: next to empty slices the brain gets another edge.
    return (case, mask) if seen is case else (seen, find_brain(seen, tools))


def find_brain(case: Case, tools: Tools) -> np.ndarray:
    """Return the brain mask (k, j, i), bool; empty when there is no brain."""
    if tools.options.has_no_skull:
        return mask_of_extracted(torch.as_tensor(case.volume.voxels)).bool().numpy()
    return tools.device.run(lambda name: extract_brain(case.volume, name))


def place(case: Case, mask: np.ndarray, tools: Tools, advance: Advance) -> PlacedScan:
    """Return the scan with its brain's place in the template. Raises RegistrationError."""
    if tools.options.in_template_space:
        return PlacedScan(case.volume, mask)
    brain = case.volume.with_voxels(np.where(mask, case.volume.voxels, 0.0).astype(np.float32))
    with spare_thread(torch.get_num_threads()) as ahead:
        found = register_to_template(brain, tools.template, advance, ahead, tools.get_ready)
    return PlacedScan(case.volume, mask, found)


def answer_of(case: Case, placed: PlacedScan, tools: Tools) -> Answer:
    """Return the raw age, what it means for this person, and what the gate measures and finds."""
    device, ensemble = tools.device, tools.ensemble
    seen = contrast.look(placed, tools.template, case.scan.sequence)
    sequence = read_as(seen, tools.options.sequence, ensemble.card.calibration.sequences)
    slices = device.run(lambda name: placed.slices(tools.template, name, sequence))
    if sequence in T1_LIKE and sequence != "T1w" and not covers_the_brain(slices):
        sequence = "T1w"  # the models of few slices know no other
        slices = device.run(lambda name: placed.slices(tools.template, name))
    raw = maps = meaning = None
    if len(slices) > 0:
        maps = read = device.run(lambda name: maps_of_scan(slices.to(name)))
        raw = device.run(lambda name: ensemble.raw_age(read, name, sequence))
    evidence = Evidence(
        placed=placed,
        template=tools.template,
        acquisition=case.acquisition,
        slices=slices,
        contrast=seen,
        sequence=sequence,
        said_sequence=tools.options.sequence,
        tags=case.scan.sequence,
        is_extracted=tools.options.has_no_skull,
        raw=raw,
        chronological_age_years=case.age_years,
        trained_age_range_years=ensemble.card.age_range_years,
    )
    measured = measure(evidence)
    findings = judge(measured)
    codes = [each.code for each in findings]
    logger.info("the gate finds: %s", ", ".join(codes) or "nothing")
    if raw is not None:
        # What was stripped by something else has the interval of such brains, said so or not.
        no_skull = tools.options.has_no_skull or FindingCode.NO_SKULL in codes
        meaning = tools.interpreter.interpret(
            raw, case.age_years, len(slices), case.acquisition.slice_spacing_mm, no_skull
        )
    return Answer(findings, measured, raw, maps, meaning)


def quality_of(case: Case, answer: Answer, tools: Tools) -> Quality:
    """Return all that was found, by whoever found it."""
    fell_back = (on_the_cpu_instead(),) if tools.device.fell_back else ()
    of_site = answer.meaning.findings if answer.meaning else ()
    return Quality(case.scan.findings + fell_back + answer.findings + of_site)


def is_withheld(case: Case, answer: Answer, tools: Tools) -> bool:
    """Say whether no number may leave: the gate refuses and nobody insists."""
    return quality_of(case, answer, tools).verdict == "refuse" and not tools.options.force


def explain(
    answer: Answer, maps: ScanMaps, placed: PlacedScan, tools: Tools, advance: Advance
) -> Answer:
    """Return the answer with where the age comes from; no regions of what is no whole brain."""
    sequence, see = answer.raw.sequence if answer.raw else "T1w", tools.ensemble.saliency_years
    years = tools.device.run(lambda name: see(maps, name, advance, sequence)).cpu()
    leans_on = None
    if maps.covers_brain:
        leans_on = leaning_on_regions(years, maps.acquired.to("cpu"))[:MOST_REGIONS]
    return replace(answer, saliency_years=placed.on_voxels(years), leans_on=leans_on)


def conclude(
    case: Case,
    tools: Tools,
    stages: Stages,
    answer: Answer,
    mask: np.ndarray | None = None,
    placed: PlacedScan | None = None,
) -> Result:
    """Return the result; ``mask`` and ``placed`` are None where the way ended before them."""
    registration = placed.registration if placed else None
    reference = tools.ensemble.card.out_of_fold
    return Result(
        _record(case, tools, stages, answer),
        None if mask is None else case.on_scan_grid(mask),
        registration.to_itk() if registration and registration.is_found else None,
        pictures_of(case.volume, mask, registration, answer.saliency_years, reference),
        case.scan.dicom_files,
    )


def _record(case: Case, tools: Tools, stages: Stages, answer: Answer) -> Prediction:
    """Return the record; without any number when the gate refuses and nobody insists."""
    raw, meaning, saliency_years = answer.raw, answer.meaning, answer.saliency_years
    if is_withheld(case, answer, tools):
        raw = meaning = None
    return Prediction(
        brain_age_years=raw.age_years if raw else None,
        interval_years=meaning.interval_years if meaning else None,
        chronological_age_years=case.age_years,
        sex=case.sex,
        corrected_brain_age_years=meaning.corrected_brain_age_years if meaning else None,
        correction=meaning.correction if meaning else None,
        gap_percentile=meaning.gap_percentile if meaning else None,
        quality=quality_of(case, answer, tools),
        acquisition=case.acquisition,
        input=replace(case.scan.input, brain_extracted=tools.options.has_no_skull),
        model=tools.ensemble.record,
        software=software_record(),
        device=tools.device.name,
        timings_seconds=stages.timings(),
        interval_level=tools.ensemble.card.calibration.interval_level,
        interval_covers=meaning.interval_covers if meaning else None,
        saliency=None if saliency_years is None else case.on_scan_grid(saliency_years),
        uncorrected=tools.interpreter.correction_name == NO_CORRECTION,
        identifiers=case.identifiers,
        leans_on=answer.leans_on,
        sequence=told(answer.measured["contrast"]) if answer.measured else None,
    )
