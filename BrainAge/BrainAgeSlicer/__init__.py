"""The Slicer side of BrainAge: the only package that imports slicer, qt, ctk and vtk.

Of the library it imports only what needs neither torch nor SimpleITK nor anything else that Slicer
lacks before the user agrees to install it. Everything else is done by a child process, and comes
back as files.
"""
