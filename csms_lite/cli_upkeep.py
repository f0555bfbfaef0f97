"""`tapwatt csms backup|export|doctor`: beside the system, whether it runs or not."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from csms_lite.settings import Settings

WRONG, REFUSED = 1, 2
WHAT: Final = ("cards", "sessions", "stations")


def verbs(below: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verbs of upkeep."""
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("--state-dir", type=Path, help="where the database is (default state/csms)")
    backup = below.add_parser(
        "backup", parents=[one], help="copy the databases while they are used"
    )
    backup.add_argument("dir", type=Path, help="where the copies go, into a folder of their own")
    backup.add_argument("--without-log", action="store_true", help="leave the log of frames out")
    backup.set_defaults(func=with_settings(_backup))
    export = below.add_parser("export", parents=[one], help="write a table as CSV or JSON")
    export.add_argument("what", choices=WHAT)
    export.add_argument("--format", choices=("csv", "json"), default="csv")
    export.add_argument("--out", type=Path, help="a new file (default: standard output)")
    export.set_defaults(func=with_settings(_export))
    backup.add_argument("--json", action="store_true", help="as JSON")
    doctor = below.add_parser("doctor", parents=[one], help="say what is wrong and what to do")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(func=with_settings(_doctor))


def with_settings(
    verb: Callable[[Settings, argparse.Namespace], int],
) -> Callable[[argparse.Namespace], int]:
    """Call *verb* with the settings of the state directory; what is wrong is one sentence."""

    def run(arguments: argparse.Namespace) -> int:
        from pydantic import ValidationError

        from csms_lite.errors import CsmsError
        from csms_lite.settings import Settings

        given = {} if arguments.state_dir is None else {"state_dir": arguments.state_dir}
        try:
            return verb(Settings(**given), arguments)
        except ValidationError as failure:
            wrong = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in failure.errors())
            print(f"tapwatt csms: a setting cannot be used: {wrong}", file=sys.stderr)
        except CsmsError as failure:
            print(f"tapwatt csms: {failure}", file=sys.stderr)
        return REFUSED

    return run


def _backup(settings: Settings, arguments: argparse.Namespace) -> int:
    from csms_lite.clock import SystemClock, rfc3339
    from csms_lite.upkeep.backup import back_up

    stamp = rfc3339(SystemClock().now_ms()).replace(":", "").replace("-", "")
    target = arguments.dir / f"csms-{stamp}"
    copies = back_up(settings.state_dir, target, with_log=not arguments.without_log)
    told = [str(copy) for copy in copies]
    print(json.dumps({"copies": told}) if arguments.json else "\n".join(told))
    return 0


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    from csms_lite.errors import SettingsError
    from csms_lite.upkeep.export import export

    pieces = export(settings.state_dir, arguments.what, arguments.format)
    if arguments.out is None:
        sys.stdout.writelines(pieces)
        return 0
    try:
        with arguments.out.open("x", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as failure:
        raise SettingsError(f"{arguments.out} cannot be written: {failure.strerror}") from failure
    return 0


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    from csms_lite.clock import SystemClock
    from csms_lite.upkeep.doctor import WRONG as GRAVE
    from csms_lite.upkeep.doctor import examine

    findings = examine(settings, SystemClock())
    if arguments.json:
        print(json.dumps([one._asdict() for one in findings], indent=2))
        return WRONG if any(one.grade == GRAVE for one in findings) else 0
    for grade, what, remedy in findings:
        print(f"{grade:8} {what}" + (f": {remedy}" if remedy else ""))
    return WRONG if any(one.grade == GRAVE for one in findings) else 0
