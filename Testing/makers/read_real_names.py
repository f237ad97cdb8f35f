"""Write real_names.ini: what the classes that the tests imitate have in truth.

    python -m Testing.makers.read_real_names SLICER CTK SLICER_PYTORCH

Each is a git repository, with or without a work tree. Of a C++ class that Python reaches through
PythonQt it has the properties, public slots, signals, declared enumerators, ``Q_INVOKABLE`` methods
and what Slicer's decorators add; nothing else of it can be called. Classes of VTK, MRML and Qt are
not in the file: the tests ask those themselves.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

NAMES_FILE = Path(__file__).resolve().parents[1] / "slicer" / "real_names.ini"
SLICER, CTK, PYTORCH = "v5.12.3", "5056664a20a3d0a393bb6d91f040525581e0dcdf", "HEAD"
HEADERS = {
    "Slicer": (
        "Base/QTCore/qSlicerAbstractCoreModule.h",
        "Base/QTCore/qSlicerCoreApplication.h",
        "Base/QTCore/qSlicerModuleManager.h",
        "Base/QTGUI/qSlicerAbstractModule.h",
        "Base/QTGUI/qSlicerAbstractModuleWidget.h",
        "Base/QTGUI/qSlicerApplication.h",
        "Base/QTGUI/qSlicerLayoutManager.h",
        "Base/QTGUI/qSlicerLoadableModule.h",
        "Base/QTGUI/qSlicerScriptedLoadableModule.h",
        "Base/QTGUI/qSlicerScriptedLoadableModuleWidget.h",
        "Base/QTGUI/qSlicerWidget.h",
        "Modules/Loadable/SubjectHierarchy/Widgets/qSlicerSubjectHierarchyAbstractPlugin.h",
        "Modules/Loadable/SubjectHierarchy/Widgets/qSlicerSubjectHierarchyPluginHandler.h",
        "Modules/Loadable/SubjectHierarchy/Widgets/qSlicerSubjectHierarchyScriptedPlugin.h",
        "Libs/MRML/Widgets/qMRMLLayoutManager.h",
        "Libs/MRML/Widgets/qMRMLNodeComboBox.h",
        "Libs/MRML/Widgets/qMRMLSliceWidget.h",
        "Libs/MRML/Widgets/qMRMLWidget.h",
    ),
    "CTK": (
        "Libs/DICOM/Core/ctkDICOMDatabase.h",
        "Libs/DICOM/Core/ctkDICOMIndexer.h",
        "Libs/Widgets/ctkCollapsibleButton.h",
        "Libs/Widgets/ctkPathLineEdit.h",
        "Libs/Widgets/ctkSliderWidget.h",
    ),
}
DECORATORS = (
    "Base/QTCore/qSlicerBaseQTCorePythonQtDecorators.h",
    "Base/QTGUI/qSlicerBaseQTGUIPythonQtDecorators.h",
)
NO_CODE = r'"[^"\n]*"|/\*.*?\*/|//[^\n]*|^\s*#[^\n]*'  # strings, comments, the preprocessor's lines
PYTHON = {
    "Slicer": (
        "Base/Python/slicer/ScriptedLoadableModule.py",
        "Base/Python/slicer/i18n.py",
        "Base/Python/slicer/packaging.py",
        "Base/Python/slicer/parameterNodeWrapper/validators.py",
        "Base/Python/slicer/parameterNodeWrapper/wrapper.py",
        "Modules/Scripted/SampleData/SampleData.py",
        "Modules/Loadable/SubjectHierarchy/Widgets/Python/SubjectHierarchyPlugins/"
        "AbstractScriptedSubjectHierarchyPlugin.py",
    ),
    "SlicerPyTorch": ("PyTorchUtils/PyTorchUtils.py",),
}
# Files of which only these classes are imitated; of the last two nothing else is either.
CLASSES = {
    "packaging": (),
    "validators": ("WithinRange",),
    "wrapper": (),
    "SampleData": ("SampleDataLogic",),
    "PyTorchUtils": ("PyTorchUtilsLogic",),
}
SCHEMA = "Libs/DICOM/Core/Resources/dicom-schema.sql"  # of CTK: the tables of Slicer's database
WITHOUT_FUNCTIONS = ("SampleData", "PyTorchUtils")


def main() -> None:
    """Read the repositories that the command line names."""
    repositories = dict(zip(("Slicer", "CTK", "SlicerPyTorch"), sys.argv[1:], strict=True))
    versions = {"Slicer": SLICER, "CTK": CTK, "SlicerPyTorch": PYTORCH}

    def read(project: str, path: str) -> str:
        command = ["git", "-C", repositories[project], "show", f"{versions[project]}:{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    command = ["git", "-C", repositories["SlicerPyTorch"], "rev-parse", "HEAD"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    lines = ["# Written by read_real_names.py.", "[versions]"]
    lines += [f"{name} = {said if v == 'HEAD' else v}" for name, v in versions.items()]
    decorators = "".join(read("Slicer", path) for path in DECORATORS)
    for project, paths in HEADERS.items():
        for path in paths:
            lines += classInHeader(read(project, path), decorators, f"{project} {path}")
    for project, paths in PYTHON.items():
        for path in paths:
            lines += namesInPython(read(project, path), f"{project} {path}")
    lines += tablesIn(read("CTK", SCHEMA), f"CTK {SCHEMA}")
    NAMES_FILE.write_text("\n".join(lines) + "\n", "utf-8")


def section(name: str, source: str, names: list[str], **more: list[str]) -> list[str]:
    """Return the lines of one class or module."""
    shown = sorted({each for each in names if not each.startswith("_") or "__init__" in each})
    lines = ["", f"[{name}]", f"source = {source}"]
    for key, entries in {**more, "names": shown}.items():
        text = textwrap.fill(" ".join(entries), 94, break_on_hyphens=False, break_long_words=False)
        lines += [f"{key} =", *(f"    {line}" for line in text.splitlines())] if entries else []
    return lines


def classInHeader(text: str, decorators: str, source: str) -> list[str]:
    """Return the section of the class that a header is named after."""
    name = Path(source).stem
    text = re.sub(NO_CODE, "", text, flags=re.DOTALL | re.MULTILINE)
    head = re.search(rf"class\s+\w+\s+{name}\s*:([^{{;]*){{", text)
    if head is None:
        raise SystemExit(f"{source} has no class {name}")
    body = text[head.end() : head.end() + lengthOfBody(text[head.end() :])]
    methods, signals = declared(body)
    names = re.findall(r"Q_PROPERTY\(\s*[\w:<>*, ]+?[\s*](\w+)\s+READ", body)
    names += [*methods, *enumerators(body), *decorated(decorators, name)]
    names += [signal.split("(")[0] for signal in signals]
    bases = re.findall(r"\w+(?=\s*(?:,|$))", head[1].strip())
    return section(name, source, names, bases=bases, signals=sorted(signals))


def lengthOfBody(text: str) -> int:
    """Return where the brace closes that was opened before the text."""
    depth = 1
    for brace in re.finditer(r"[{}]", text):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    raise SystemExit("a class does not end")


def declared(body: str) -> tuple[list[str], list[str]]:
    """Return the names of the methods that Python can call, and the signatures of the signals."""
    body = re.sub(r"\bQ_[A-Z_]+\([^()]*\)", "", body)
    while re.search(r"{[^{}]*}", body):  # what inline methods do
        body = re.sub(r"{[^{}]*}", ";", body)
    label = r"\b((?:public|protected|private)(?:\s+(?:slots|Q_SLOTS))?|signals|Q_SIGNALS)\s*:(?!:)"
    methods, signals, part = [], [], "private"
    for statement in re.sub(label, r";@\1;", body).split(";"):
        method = re.search(r"(\w+)\s*\((.*)\)", statement, re.DOTALL)
        if statement.startswith("@"):
            part = statement[1:].replace("Q_SLOTS", "slots").replace("Q_SIGNALS", "signals")
        elif method and part == "signals":
            kinds = [kindOf(each) for each in re.split(r",(?![^<]*>)", method[2]) if each.strip()]
            signals.append(f"{method[1]}({','.join(kinds)})")
        elif method and (part == "public slots" or part == "public" and "Q_INVOKABLE" in statement):
            methods.append(method[1])
    return methods, signals


def kindOf(argument: str) -> str:
    """Return the type of an argument as Qt writes it in a signature."""
    argument = re.sub(r"\bunsigned (\w+)", r"u\1", re.sub(r"\bconst\b|&|=.*", "", argument))
    words = argument.replace("*", "* ").split()
    named = len(words) > 1 and not words[-1].endswith("*")
    return "".join(words[:-1] if named else words)


def enumerators(body: str) -> list[str]:
    """Return the values of the enumerations that Qt, and so Python, is told of."""
    told = " ".join(re.findall(r"Q_(?:ENUM|ENUMS|FLAG|FLAGS)\(([^)]*)\)", body)).split()
    flags = dict(re.findall(r"Q_DECLARE_FLAGS\(\s*(\w+)\s*,\s*(\w+)\s*\)", body))
    told += [flags[name] for name in told if name in flags]
    found = []
    for name, values in re.findall(r"enum\s+(\w+)\s*{([^}]*)}", body):
        if name in told:
            found += re.findall(r"(?:^|,)\s*(\w+)", values)
    return found


def decorated(decorators: str, name: str) -> list[str]:
    """Return the names that Slicer adds to a class for Python."""
    static = re.findall(rf"static_{name}_(\w+)\(", decorators)
    return static + re.findall(rf"(\w+)\({name}\*", decorators)


def namesInPython(text: str, source: str) -> list[str]:
    """Return a section for the module, and one for each of its classes."""
    stem = Path(source).stem
    tree = ast.parse(text)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    classes = [each for each in classes if each.name in CLASSES.get(stem, (each.name,))]
    names = [*functionsIn(tree), *(each.name for each in classes)]
    lines = [] if stem in WITHOUT_FUNCTIONS else section(f"module {stem}", source, names)
    for each in classes:
        stored = [
            node.attr
            for node in ast.walk(each)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        ]
        bases = [ast.unparse(base).split(".")[-1] for base in each.bases]
        lines += section(each.name, source, functionsIn(each) + stored, bases=bases)
    added = re.findall(r"checkedSetAttr\(classtype, \"(\w+)\"", text)
    return lines + (section("a parameter node", source, ["parameterNode", *added]) if added else [])


def tablesIn(text: str, source: str) -> list[str]:
    """Return a section for each table of a database's schema, with its columns."""
    lines = []
    for name, columns in re.findall(r"CREATE TABLE '(\w+)' \((.*?)\n?\);?\n", text, re.DOTALL):
        names = re.findall(r"^\s*'(\w+)'", columns, re.MULTILINE)
        lines += section(f"table {name}", source, names)
    version = re.search(r"INTO 'SchemaInfo' VALUES\('([\d.]+)'\)", text)
    return lines + section("schema version", source, [version[1]] if version else [])


def functionsIn(node: ast.Module | ast.ClassDef) -> list[str]:
    """Return functions with the names of their parameters: ``name(first,second)``."""
    found = []
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and (each.name == "__init__" or each.name[0] != "_"):
            arguments = [*each.args.posonlyargs, *each.args.args, *each.args.kwonlyargs]
            names = [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]
            found.append(f"{each.name}({','.join(names)})")
    return found


if __name__ == "__main__":
    main()
