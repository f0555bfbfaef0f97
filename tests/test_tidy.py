"""House style as tests: what a linter does not know about this tree."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[1]
Node = TypeVar("Node", bound=ast.AST)

MODULE_LINES = 400
FUNCTION_LINES = 60
MOCKS_PER_100_TESTS = 5

TOP_LEVEL = {
    "LICENSE",
    "README.md",
    "csms_lite",
    "edge",
    "hmi",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements-firebase.lock",
    "requirements.lock",
    "scripts",
    "systemd",
    "tests",
}
CORE_MAY_IMPORT = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "itertools",
    "math",
    "types",
    "typing",
}

# Each third-party library is imported in one place only, so that an upgrade touches one place.
# Where there are two, the second is the other end of the same wire.
HOME_OF = {
    "adafruit_pn532": ["edge/drivers/pn532/library.py"],
    "aiosmtplib": ["csms_lite/mail/smtp.py"],
    "aiosqlite": ["edge/drivers/journal/*", "csms_lite/store/*"],
    "alembic": ["csms_lite/store/*"],
    "argon2": ["csms_lite/accounts/passwords.py"],
    "fastjsonschema": ["edge/ocppj/*"],
    "cryptography": [
        "edge/drivers/x509/*",
        "edge/sim/authority.py",
        "csms_lite/certificates/authority.py",
        "csms_lite/certificates/expiry.py",
        "csms_lite/certificates/local.py",
        "csms_lite/certificates/usage.py",
    ],
    "firebase_admin": ["edge/bridge/database.py", "csms_lite/accounts/firebase.py"],
    "google": ["edge/bridge/database.py", "csms_lite/accounts/firebase.py"],
    "httpx": [
        "edge/bridge/source.py",
        "edge/drivers/carrier/http.py",
        "csms_lite/accounts/oidc.py",
        "csms_lite/webhooks/post.py",
    ],
    "gpiozero": ["edge/drivers/gpio_pins.py", "edge/sim/*"],
    "h11": ["edge/drivers/page/http.py"],
    "jwt": ["csms_lite/accounts/tokens.py", "csms_lite/accounts/oidc.py"],
    "ocpp": ["edge/ocppj/*"],
    "pymodbus": ["edge/drivers/modbus.py", "edge/sim/*"],
    "pyotp": ["csms_lite/accounts/factors.py"],
    "segno": ["edge/hmi/qr.py"],
    "serial": ["edge/drivers/pn532/__init__.py"],
    "uvicorn": ["csms_lite/http.py"],
    "websockets": ["edge/drivers/ocpp_line.py", "edge/sim/*", "csms_lite/ocpp/*endpoint.py"],
}

# What makes a run unrepeatable or a task unowned, and the only files that may do it.
ONLY_IN = {
    r"time\.(time|monotonic|perf_counter)(_ns)?": [
        "edge/drivers/system_clock.py",
        "csms_lite/clock.py",
    ],
    r"datetime\.(datetime|date)\.(now|utcnow|today)": [
        "edge/bridge/app.py",
        "edge/drivers/system_clock.py",
    ],
    r"uuid\.uuid[14]|secrets\..+|os\.urandom|random\.(?!Random$).+": [
        "csms_lite/chance.py",
        "csms_lite/people/*",
        "edge/drivers/system_clock.py",
    ],
    r"asyncio\.to_thread|threading\.Thread|.*\.run_in_executor": [
        "csms_lite/accounts/firebase.py",
        "csms_lite/accounts/passwords.py",
        "edge/bridge/database.py",
        "edge/drivers/*",
        "edge/sim/wires.py",
        "csms_lite/certificates/*",
        "csms_lite/files/*",
    ],
    r"asyncio\.(create_task|ensure_future)|.*(loop|\?)\.create_task": [],
    r".*\.create_task": [
        "csms_lite/*",
        "edge/app/*",
        "edge/bridge/*",
        "edge/control/*",
        "edge/doctor/*",
        "edge/drivers/*",
        "edge/ocppj/*",
        "edge/runtime/*",
        "edge/sim/*",
    ],
    r"(asyncio|time)\.sleep": [
        "csms_lite/messages/recorder.py",
        "edge/app/*",
        "edge/bridge/*",
        "edge/cli/*",
        "edge/doctor/*",
        "edge/drivers/*",
        "edge/notifier.py",
        "edge/runtime/*",
        "edge/sim/*",
    ],
}
CATCHES_ALL = ["edge/runtime/supervise.py", "csms_lite/supervise.py"]


@cache
def files(*patterns: str) -> tuple[Path, ...]:
    """Files of the tree that git keeps or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return tuple(
        ROOT / name
        for name in sorted(listed)
        if name and (ROOT / name).is_file() and any(fnmatch(name, pattern) for pattern in patterns)
    )


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def nodes(kind: type[Node], *patterns: str) -> Iterator[tuple[str, Node]]:
    """Every syntax node of *kind* in the files, with its place as `path:line`."""
    for path in files(*patterns):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, kind):
                yield place(path, getattr(node, "lineno", 1)), node


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def lines(*patterns: str) -> Iterator[tuple[str, str]]:
    """Every line of the text files, with its place."""
    for path in files(*patterns):
        if path.suffix in {".png", ".pdf", ".ico", ".lock"} or path.name == "package-lock.json":
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            yield place(path, number), line


def full_names(path: Path) -> Iterator[tuple[int, str]]:
    """Every dotted name used in a module, imports resolved: `monotonic` is `time.monotonic`."""
    tree = tree_of(path)
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            known |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.Import):
            known |= {a.asname: a.name for a in node.names if a.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, dotted(node, known)


def dotted(node: ast.expr, known: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, known)}.{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, in full."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def told(places: Iterable[str]) -> str:
    """One place per line, for the message of a failed assertion."""
    return "\n" + "\n".join(places)


def is_in(path: Path, patterns: Iterable[str]) -> bool:
    return any(fnmatch(str(path.relative_to(ROOT)), pattern) for pattern in patterns)


def test_modules_are_short() -> None:
    """A module of more than 400 lines is two modules."""
    long = [
        f"{path.relative_to(ROOT)} {count}"
        for path in files("*.py", "*.js", "scripts/*")
        if (count := len(path.read_text().splitlines())) > MODULE_LINES
    ]
    assert not long, told(long)


def test_functions_are_short() -> None:
    """A function of more than 60 lines does more than one thing."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    long = [
        f"{at} {node.name} {length}"
        for at, node in nodes(ast.AST, "*.py")
        if isinstance(node, kinds)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not long, told(long)


def test_core_imports_plain_values_only() -> None:
    """The core decides; whatever can wait, fail or differ between two runs stays out of it."""
    foreign = [
        f"{place(path, line)} {name}"
        for path in files("edge/core/*.py")
        for line, name in imported(path)
        if name.split(".")[0] not in CORE_MAY_IMPORT and not name.startswith("edge.core")
    ]
    assert not foreign, told(foreign)


def test_each_library_is_imported_in_its_home() -> None:
    """An upgrade of a library touches one place."""
    strays = [
        f"{place(path, line)} {name}"
        for path in files("edge/*.py", "csms_lite/*.py")
        for line, name in imported(path)
        if not is_in(path, HOME_OF.get(name.split(".")[0], ["*"]))
    ]
    assert not strays, told(strays)


def test_time_chance_threads_and_tasks_have_owners() -> None:
    """Clocks and randomness are passed in, tasks live in groups: else no run can be repeated."""
    strays = [
        f"{place(path, line)} {name}"
        for path in files("edge/*.py", "csms_lite/*.py")
        for line, name in full_names(path)
        for pattern, homes in ONLY_IN.items()
        if re.fullmatch(pattern, name) and not is_in(path, homes)
    ]
    assert not strays, told(strays)


def test_only_the_supervisor_catches_everything() -> None:
    """`except Exception` elsewhere hides bugs; to clean up, catch BaseException and raise again."""
    strays = [
        at
        for at, node in nodes(ast.ExceptHandler, "edge/*.py", "csms_lite/*.py")
        if catches_all(node) and not is_in(ROOT / at.split(":")[0], CATCHES_ALL)
    ]
    assert not strays, told(strays)


def catches_all(node: ast.ExceptHandler) -> bool:
    caught = (
        {"Exception"} if node.type is None else {ast.unparse(part) for part in parts(node.type)}
    )
    ends = node.body[-1]
    raises_again = isinstance(ends, ast.Raise) and ends.exc is None
    return "Exception" in caught or ("BaseException" in caught and not raises_again)


def parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def test_public_things_say_what_they_are_for() -> None:
    """Every module, public class and public function has a docstring, every test names its rule."""
    silent = [
        f"{place(path, getattr(node, 'lineno', 1))} {getattr(node, 'name', 'module')}"
        for path in files("*.py")
        if path.read_text().strip()
        for node in (tree_of(path), *tree_of(path).body)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and must_speak(path, node)
        and not ast.get_docstring(node)
    ]
    assert not silent, told(silent)


def must_speak(
    path: Path, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
) -> bool:
    if isinstance(node, ast.Module):
        return True
    return node.name.startswith("test_") if is_in(path, ["tests/*"]) else node.name[0] != "_"


def test_nothing_is_left_for_later() -> None:
    """What is not done is an issue, not a comment."""
    words = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
    later = [at for at, line in lines("*") if words.search(line)]
    assert not later, told(later)


def test_top_level_is_what_was_asked_for() -> None:
    """New things find their place below one of these."""
    entries = {path.relative_to(ROOT).parts[0] for path in files("*")}
    assert {entry for entry in entries if not entry.startswith(".")} <= TOP_LEVEL


def test_mocks_are_rare() -> None:
    """Tests use real values and simulated wires; a mock proves what its writer believed."""
    tests = sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for _, node in nodes(ast.AST, "tests/*.py")
    )
    pattern = re.compile(
        r"(.*\.)?(mocker\..*|(Async|Magic|Non\w+)?Mock|patch|patch\.\w+|create_autospec)"
    )
    mocks = [
        place(path, line)
        for path in files("tests/*.py")
        for line, name in full_names(path)
        if pattern.fullmatch(name)
    ]
    assert len(mocks) * 100 < MOCKS_PER_100_TESTS * tests, told(mocks)


def test_tests_wait_for_facts_not_for_time() -> None:
    """A sleep hides a race or wastes time; `tests/waiting.py` waits for facts."""
    sleeps = [
        at
        for at, node in nodes(ast.Call, "tests/*.py")
        if ast.unparse(node.func).split(".")[-1] == "sleep"
        and ast.unparse(node.args[0] if node.args else node) != "0"
        and not at.startswith("tests/waiting.py:")
    ]
    assert not sleeps, told(sleeps)


def test_suppressions_give_their_reason() -> None:
    """A silenced checker is a claim; the claim stands beside it."""
    silenced = re.compile(
        r"#\s*(type:\s*ignore(\[[^]]*\])?|noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?)(.*)"
    )
    bare = [
        at
        for at, line in lines("*.py")
        if (found := silenced.search(line)) and len(re.findall(r"\w\w+", found.group(5))) < 2
    ]
    assert not bare, told(bare)


def test_no_file_knows_the_machine_it_was_made_on() -> None:
    """No path of a workplace and no address of a package registry: the tree works anywhere."""
    words = "?work? ?root? pypi+org python!hosted registry+npmjs deb+debian"
    places = words.replace("?", "/").replace("+", ".").replace("!", "").split()
    known = [at for at, line in lines("*") if any(word in line for word in places)]
    locks = [
        str(path.relative_to(ROOT))
        for path in files("*.lock", "*package-lock.json")
        if any(word in path.read_text() for word in places)
    ]
    assert not known + locks, told(known + locks)
