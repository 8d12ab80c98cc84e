"""The house keeps its shape: sizes, names, furniture, what is shipped, what is pinned."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("flows", "blocks", "deployments", "sandbox", "contracts")
SHIPPED = ("flows", "blocks", "deployments", "contracts")
MODULES = sorted(path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py"))
PROCESSES = sorted(path.parent for path in REPOSITORY.glob("flows/*/flow.py"))
FURNITURE = {
    "__init__.py", "flow.py", "tasks.py", "rules.py", "models.py", "report.py", "queries.sql", "schema.sql",
}  # fmt: skip
WITHOUT_LEDGER = {"ops"}
NAMELESS = {"utils", "util", "helpers", "helper", "constants", "base", "manager", "common_utils", "misc"}

MODULE_LINES, FUNCTION_LINES, FLOW_LINES = 200, 25, 40

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = [
    re.compile(r"\b" + r"[.]".join(name), re.IGNORECASE)
    for name in (
        ("pypi", "org"), ("detsohnohtyp"[::-1], "org"), ("pypi", "python"), ("npmjs", "(?:com|org)"),
        ("crates", "io"), ("proxy", "golang"), ("conda", "anaconda"), ("jfrog", "io"),
    )
]  # fmt: skip
# The versions beyond which the engine breaks without a word: see pyproject.toml.
CAPS = ("prefect==3.8.8", "fastapi<0.151", "sqlalchemy<2.1", "websockets<17")


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def is_flow(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = (getattr(each, "func", each) for each in function.decorator_list)
    return any(isinstance(each, ast.Name) and each.id == "flow" for each in decorators)


def tracked() -> list[Path]:
    """Return what git has or would take: everything that is not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.split("\0") if name and (path := REPOSITORY / name).is_file()]


def pins() -> dict[str, list[str]]:
    """Return the lock's requirements, each with its hashes."""
    text = re.sub(r"^\s*#.*\n", "", (REPOSITORY / "requirements.lock").read_text("utf-8"), flags=re.MULTILINE)
    entries = text.replace("\\\n", " ").splitlines()
    return {words[0]: words[1:] for entry in entries if (words := re.split(r"\s+(?=--)", entry.strip()))[0]}


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_a_module_holds_one_idea(module: Path) -> None:
    """At most 200 lines, and a name that says what it is."""
    assert len(module.read_text("utf-8").splitlines()) <= MODULE_LINES
    assert module.stem not in NAMELESS


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_a_function_fits_on_a_screen(module: Path) -> None:
    """At most 25 lines of body, a flow 40."""
    for function in functions(module):
        limit = FLOW_LINES if is_flow(function) else FUNCTION_LINES
        assert lines_of(function) <= limit, f"{named(module)}: {function.name} has {lines_of(function)} lines"


def test_no_folder_is_a_drawer() -> None:
    """No package is named for being useful."""
    folders = {path.name for path in (module.parent for module in MODULES)}
    assert not folders & NAMELESS


@pytest.mark.parametrize("process", PROCESSES, ids=lambda path: path.name)
def test_every_process_has_the_same_furniture(process: Path) -> None:
    """Know one, know all; operations alone keep no ledger."""
    wanted = FURNITURE - ({"schema.sql"} if process.name in WITHOUT_LEDGER else set())
    assert wanted <= {path.name for path in process.iterdir()}


def test_every_folder_of_flows_is_a_process_or_what_they_share() -> None:
    """A folder without a flow would escape the rules above."""
    folders = {path.parent.name for path in REPOSITORY.glob("flows/*/__init__.py")}
    assert folders == {process.name for process in PROCESSES} | {"common"}
    assert {"ops", "pop"} <= folders


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's own business."""
    found = [
        f"{named(path)}: {match.group()}"
        for path in tracked()
        for registry in REGISTRIES
        if (match := registry.search(path.read_text("utf-8", errors="replace")))
    ]
    assert not found


def test_every_pin_has_its_hashes_and_no_address() -> None:
    """The lock says exactly what is installed, and nothing of where from."""
    requirements = pins()
    assert len(requirements) > 50
    for requirement, hashes in requirements.items():
        assert re.fullmatch(r"[\w.\[\],-]+==[\w.+!]+(?: ;.*)?", requirement)
        assert hashes
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), requirement
    assert "://" not in (REPOSITORY / "requirements.lock").read_text("utf-8")


@pytest.mark.parametrize("cap", [Requirement(cap) for cap in CAPS], ids=str)
def test_the_lock_keeps_the_caps(cap: Requirement) -> None:
    """Beyond these versions the engine breaks without a word."""
    pinned = [Requirement(requirement) for requirement in pins()]
    (version,) = (next(iter(pin.specifier)).version for pin in pinned if pin.name == cap.name)
    assert version in cap.specifier


def test_the_lock_has_all_that_is_asked_for() -> None:
    """Every dependency of pyproject.toml is pinned, at a version that it allows."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    lists = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    pinned = {pin.name.lower(): pin for pin in map(Requirement, pins())}
    for wanted in (Requirement(each) for each in chain.from_iterable(lists)):
        assert next(iter(pinned[wanted.name.lower()].specifier)).version in wanted.specifier


def test_what_a_flow_needs_is_in_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statements, the mails' templates and the supervisor's file travel with the code."""
    needed = {
        named(path)
        for room in SHIPPED
        for path in (REPOSITORY / room).rglob("*")
        if path.suffix in {".py", ".sql", ".conf", ".j2", ".json"}
    }
    assert {"flows/pop/queries.sql", "deployments/supervisord.conf"} <= needed
    assert any(name.endswith(".j2") for name in needed)
    assert needed <= shipped(tmp_path, monkeypatch)


def shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the wheel's files: of a real one where the build tool is installed, else as it is told to build.

    Without further keys hatchling takes every file of `packages` that git does not ignore.
    """
    if find_spec("hatchling") is None:
        target = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]
        assert target == {"build": {"targets": {"wheel": {"packages": list(SHIPPED)}}}}
        return {named(path) for path in tracked() if named(path).split("/")[0] in SHIPPED}
    from hatchling.build import build_wheel  # noqa: PLC0415

    monkeypatch.chdir(REPOSITORY)
    with ZipFile(folder / build_wheel(str(folder))) as wheel:
        names = set(wheel.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(SHIPPED)
    return names
