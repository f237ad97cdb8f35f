"""The Slicer side of BrainAge: the only package that imports slicer, qt, ctk and vtk.

Of the library it imports nothing but the records and the errors: torch never enters Slicer's own
process. Everything else is done by a child process, and comes back as files.
"""
