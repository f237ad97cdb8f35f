"""What a person or another program reads: record, report, DICOM."""
