"""An archive for DICOM reports, Orthanc on loopback, and what a report that comes back says."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

from BrainAgeLib.report.dicom_report import NUMBERS, own

ORTHANC = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")


def numbers_in(report):
    """Return the numbers of a structured report by their names in the record."""
    (group,) = report.content.get_image_measurement_groups()
    found = {name: group.get_measurements(name=own(code)) for name, code in NUMBERS.items()}
    return {name: values[0].value for name, values in found.items() if values}


@contextmanager
def archive(folder):
    """Start Orthanc on loopback; yield the address of its REST interface and its DICOM port."""
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    settings = {
        "Name": "test", "HttpPort": ports[0], "DicomPort": ports[1], "DicomAet": "TEST",
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "store"), "IndexDirectory": str(folder / "store"),
        "DicomAlwaysAllowStore": True, "DicomAlwaysAllowFind": True, "StableAge": 1, "Plugins": [],
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    command = [ORTHANC, str(folder / "orthanc.json")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{ports[0]}"
    try:
        for _ in range(150):
            try:
                fetch(f"{address}/system")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield address, ports[1]
    finally:
        process.terminate()
        process.wait(20)


def fetch(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.read()


def list_of(address, level):
    return json.loads(fetch(f"{address}/{level}"))
