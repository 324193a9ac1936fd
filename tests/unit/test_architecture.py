"""The house rules that a machine can hold."""

import ast
import statistics
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "streamproc", ROOT / "models" / "streamproc_models")
SOURCES = sorted(file for folder in FOLDERS for file in folder.rglob("*.py"))
CORE = [file for file in SOURCES if {"streamproc_models", "contracts", "engine"} & set(file.parts)]

FILE_LINES = 300
FUNCTION_LINES = 60
MEDIAN_LINES = 10
NINETY_PERCENT_LINES = 30
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
WALL_CLOCK = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("date", "today"),
}
PICKLES = {"pickle", "dill", "joblib", "cloudpickle"}
OUTSIDE = {
    "faust",
    "aiokafka",
    "kafka",
    "aiohttp",
    "fastapi",
    "nicegui",
    "click",
    "rich",
    "prometheus_client",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name(file):
    return str(file.relative_to(ROOT))


def functions(file):
    return [node for node in ast.walk(tree(file)) if isinstance(node, Function)]


def tree(file):
    return ast.parse(file.read_text("utf-8"))


def length(function):
    """Lines from `def` to the end, without the docstring: explaining is not punished."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def imported(file):
    """Top-level names of everything that a file imports, also inside functions."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def attributes(file):
    """`name.attribute` pairs, such as ("time", "time")."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def offenders(check, files=None):
    """What `check` finds wrong, by file; nothing for files in which it finds nothing."""
    return {name(file): found for file in files or SOURCES if (found := check(file))}


def test_a_file_fits_in_the_head():
    """At most 300 lines."""
    assert offenders(lambda file: max(0, len(file.read_text("utf-8").splitlines()) - FILE_LINES)) == {}


def test_no_function_is_too_long():
    """Never over 60 lines, however regular they are."""
    assert offenders(lambda file: [f.name for f in functions(file) if length(f) > FUNCTION_LINES]) == {}


def test_most_functions_are_short():
    """Half of them have at most 10 lines, nine in ten at most 30."""
    lengths = [length(function) for file in SOURCES for function in functions(file)]

    assert statistics.median(lengths) <= MEDIAN_LINES
    assert statistics.quantiles(lengths, n=10)[-1] <= NINETY_PERCENT_LINES


def test_a_module_is_named_after_what_it_holds():
    """No drawers for odds and ends."""
    assert offenders(lambda file: NAMES_THAT_SAY_NOTHING & {file.stem, file.parent.name}) == {}


def test_what_others_call_is_typed():
    """Every public function says what it returns."""
    assert (
        offenders(lambda file: [f.name for f in functions(file) if f.name[0] != "_" and not f.returns]) == {}
    )


def test_every_module_says_what_it_is_for():
    """In its first line."""
    modules = [file for file in SOURCES if file.name != "__init__.py"]

    assert offenders(lambda file: not ast.get_docstring(tree(file)), modules) == {}


def test_a_package_does_nothing_when_imported():
    """A docstring at most: the command line answers quickly."""
    packages = [file for file in SOURCES if file.name == "__init__.py"]

    assert offenders(lambda file: [n for n in tree(file).body if not is_text(n)], packages) == {}


def test_the_core_knows_no_kafka_no_web_and_no_terminal():
    """What decides and learns can run anywhere."""
    assert offenders(lambda file: OUTSIDE & set(imported(file)), CORE) == {}


def test_the_core_reads_no_wall_clock():
    """Decisions are functions of the events alone, or a restart would decide otherwise."""
    assert offenders(lambda file: WALL_CLOCK & set(attributes(file)), CORE) == {}
    assert offenders(lambda file: "streamproc.clock" in file.read_text("utf-8"), CORE) == {}


def test_nothing_is_pickled():
    """Loading a pickle runs whatever is in it."""
    assert offenders(lambda file: PICKLES & set(imported(file))) == {}


def test_only_the_refresh_may_import_torch():
    """Workers and trainers start fast and stay small."""
    others = [file for file in SOURCES if "refresh" not in file.parts]

    assert offenders(lambda file: "torch" in imported(file), others) == {}
