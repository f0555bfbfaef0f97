"""The checklist as data, and which test stands for which row: by the test's name."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.core.keys import TABLE

HERE: Final = Path(__file__).parent

CLAIMS: Final = {
    "test_local_list.py": "LocalAuthListManagement",
    "test_reservation.py": "Reservation",
    "test_charging.py": "SmartCharging",
    "test_schedules.py": "SmartCharging",
    "test_files.py": "FirmwareManagement",
    "test_access.py": "SecurityProfile",
    "test_tls.py": "SecurityProfile",
    "test_certificates.py": "SecurityProfile",
    "test_whitepaper_keys.py": "SecurityProfile FirmwareManagement",
}
"""Files that are run once the charge point has the profiles, or keys, of these names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule for whoever is looked at. *answer* is ours where there is a choice."""

    id: str
    profile: str
    rule: str
    source: str
    answer: str | None = None
    left_out: str | None = None

    @property
    def slug(self) -> str:
        """How the names of its tests begin."""
        return f"test_{self.id.lower().replace('-', '_')}_"


def is_due(file: str) -> bool:
    """Whether the charge point claims what the tests in *file* are about."""
    claimed = {key.name for key in TABLE}
    profiles = next(key.default for key in TABLE if key.name == "SupportedFeatureProfiles")
    claimed.update(profiles.split(","))
    return file not in CLAIMS or set(CLAIMS[file].split()) <= claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A checklist and the tests beside it; *is_due* says which files are run."""

    folder: Path
    is_due: Callable[[str], bool] = lambda _file: True

    def rows(self) -> tuple[Row, ...]:
        """Every row of the checklist, in its order."""
        table = tomllib.loads((self.folder / "checklist.toml").read_text(encoding="utf-8"))
        return tuple(
            Row(
                id=row["id"],
                profile=row["in"],
                rule=row["rule"],
                source=row["source"],
                answer=row.get("answer"),
                left_out=row.get("left_out"),
            )
            for row in table["rows"]
        )

    def tests(self, *, due: bool = False) -> Iterator[tuple[str, str]]:
        """File and name of every test; with *due* only of those that are run."""
        for path in sorted(self.folder.glob("test_*.py")):
            if path.name == "test_the_suite.py" or (due and not self.is_due(path.name)):
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, FUNCTIONS) and node.name.startswith("test_"):
                    yield path.name, node.name


FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
EDGE: Final = Suite(folder=HERE, is_due=is_due)
CSMS: Final = Suite(folder=HERE.parent / "spec_csms")


def row_of(test: str, among: tuple[Row, ...]) -> Row | None:
    """The row that the test called *test* stands for: the longest id that begins its name."""
    fitting = [row for row in among if test.startswith(row.slug)]
    return max(fitting, key=lambda row: len(row.slug), default=None)
