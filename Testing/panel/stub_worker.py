"""A worker that speaks the library's protocol without its work.

    stub_worker.py MODE predict SCAN --output DIR [options] --json-lines --stop-with-parent

MODE: ok, refused, no-saliency, error, crash, garbage, nothing, elsewhere, busy, hang
(heeds nothing) or wait:STAGE (stays in that stage until its standard input is closed). The process
ids and the folder of every worker are appended to the file that STUB_WORKER_LOG names.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

STAGES = ("read", "brain_extraction", "registration", "prediction", "saliency", "write")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "slicer"), str(HERE.parents[1])]


def say(**event) -> None:
    print(json.dumps(event), flush=True)


def endWithParent() -> None:
    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(130)

    threading.Thread(target=watch, daemon=True).start()


def note(scan: Path) -> None:
    if "STUB_WORKER_LOG" in os.environ:
        entry = {"pid": os.getpid(), "nice": os.nice(0), "scan": str(scan), "argv": sys.argv[1:]}
        with Path(os.environ["STUB_WORKER_LOG"]).open("a") as file:
            file.write(json.dumps(entry) + "\n")


def fail(message: str, hint: str, code: int) -> None:
    say(event="error", message=message, hint=hint)
    print(f"brainage: error: {message} ({hint})", file=sys.stderr)
    sys.exit(code)


def work(mode: str) -> None:
    for number, stage in enumerate(STAGES):
        say(event="stage", name=stage, fraction=number / len(STAGES))
        if mode == f"wait:{stage}" or (mode == "hang" and stage == "registration"):
            time.sleep(120)
        if mode == "crash" and stage == "registration":
            os.abort()
        if mode == "busy":  # both cores, as the real one
            busy = [threading.Thread(target=multiply) for _core in range(2)]
            [each.start() for each in busy]
            [each.join() for each in busy]
        if mode == "garbage":
            print(f"a library prints {stage} and \N{SNOWMAN}", flush=True)
            sys.stdout.buffer.write(b'{"event": "stage", "name": \xff\xfe\n{"event"\n[1]\n')
            sys.stdout.flush()


def multiply() -> None:
    import numpy as np

    matrix = np.ones((700, 700))
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        matrix @ matrix


def values(mode: str, options: list) -> dict:
    import worker_files

    if mode == "refused":
        return worker_files.refusal()
    age = float(options[options.index("--age") + 1]) if "--age" in options else None
    record = worker_files.record(chronological_age_years=age)
    record["sex"] = options[options.index("--sex") + 1] if "--sex" in options else None
    corrected = "corrected_brain_age_years", "corrected_gap_years", "correction"
    if age is None:
        record |= dict.fromkeys(("gap_years", "gap_percentile", *corrected))
    else:
        record |= {"gap_years": 67.4 - age, "corrected_gap_years": 65.2 - age}
    return record


def main() -> None:
    mode, command, scan, *options = sys.argv[1:]
    if command == "follow":
        follow(mode, [Path(scan), Path(options[0])], Path(options[options.index("--output") + 1]))
    assert command == "predict" and "--json-lines" in options and "--stop-with-parent" in options
    note(Path(scan))
    if mode != "hang":
        endWithParent()
    device = options[options.index("--device") + 1]
    print("stub worker on", device, file=sys.stderr, flush=True)
    if mode == "error":
        fail("the file holds four images", "choose one of them", 2)
    work(mode)
    folder = Path(options[options.index("--output") + 1])
    if mode != "nothing":
        import worker_files

        record = values(mode, options)
        worker_files.write(Path(scan), folder, record)
        if "--dicom" in options:
            worker_files.writeDicom(Path(scan), folder, record)
        if mode == "elsewhere":
            moveAway(folder / "saliency.nii.gz")
        if mode == "no-saliency" or "--no-saliency" in options:
            (folder / "saliency.nii.gz").unlink(missing_ok=True)
        if "--no-report" in options:
            (folder / "report.html").unlink()
    verdict = "refuse" if mode == "refused" else "warn"
    say(event="result", path=str(folder / "prediction.json"), verdict=verdict)
    sys.exit(3 if mode == "refused" else 0)


def follow(mode: str, folders: list, output: Path) -> None:
    """Compare two records: what the library writes, without its work."""
    import shutil

    if mode.startswith("wait"):
        endWithParent()
        time.sleep(120)
    if mode == "error":
        fail("the saliency map of a scan cannot be read", "predict that scan again", 2)
    output.mkdir()
    for folder in folders:
        assert json.loads((folder / "prediction.json").read_text())["brain_age_years"]
        assert (folder / "to_template.tfm").is_file()
    shutil.copyfile(folders[1] / "saliency.nii.gz", output / "saliency_change.nii.gz")
    (output / "report.html").write_text("<html><body>Change.</body></html>")
    (output / "follow.json").write_text("{}")
    say(event="result", path=str(output / "report.html"), verdict="pass")
    sys.exit(0)


def moveAway(path: Path) -> None:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    image.SetOrigin([10 + x for x in image.GetOrigin()])
    sitk.WriteImage(image, str(path))


if __name__ == "__main__":
    main()
