"""What the panel needs of 3D Slicer, without 3D Slicer.

Real MRML, logics and slice views (slicer-core), real Qt widgets (PySide6), and the rest modelled:
PythonQt's way of speaking, the ctk and qMRML widgets of the panel, the application object. What is
not modelled raises. It proves neither PythonQt's strictness about argument types nor packaging.
"""
