"""`tapwatt edge …`: run the controller, ask a running one, check its configuration."""

from __future__ import annotations

import argparse
import csv
import gc
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from edge.cli import (
    backup,
    cards,
    configuring,
    doctor,
    enrol,
    journal,
    logs,
    privacy,
    recording,
    why,
)
from edge.cli.examples import EDGE
from edge.errors import ConfigError

INSTALLED: Final = Path("/var/lib/tapwatt")  # where scripts/install has the daemon keep its state
WITHIN_S: Final = 30.0
TRANSFER_WITHIN_S: Final = 660.0  # MessageTimeout may be 600
READINGS: Final = ("at", "connector", "energy_wh", "power_w")
PHASES: Final = tuple(f"{what}_l{n}" for what in ("voltage_v", "current_a") for n in (1, 2, 3))


def verbs(parser: argparse.ArgumentParser) -> Mapping[str, str]:
    """Add the verbs of `tapwatt edge`; gives an example of each."""
    below = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    run = below.add_parser("run", help="run the charge point controller until told to stop")
    _add_settings(run)
    _add_state_dir(run)
    run.add_argument("--sim-socket", type=Path, metavar="PATH", help="the simulated bay's socket")
    run.add_argument(
        "--ready-fd", type=int, metavar="N", help="write one JSON line to this descriptor when up"
    )
    run.set_defaults(func=_run)
    off = below.add_parser(
        "safe-off", help="switch every configured output off; the controller must not run"
    )
    _add_settings(off)
    _add_state_dir(off)
    off.add_argument("--sim-socket", type=Path, metavar="PATH", help="the simulated bay's socket")
    off.add_argument("--json", action="store_true", help="as JSON")
    off.set_defaults(func=_safe_off)
    for name, act, summary in (
        ("status", _status, "what the running controller knows of itself"),
        ("stop", _stop, "stop the running controller"),
    ):
        verb = below.add_parser(name, help=summary)
        _add_state_dir(verb)
        verb.add_argument("--json", action="store_true", help="as JSON")
        verb.set_defaults(func=act)
    summary = "messages that wait, and dead letters: those refused for good"
    journal.verbs(below.add_parser("journal", help=summary), _ask, _state_dir())
    summary = "the roles of cards: owner, guest, admin, installer, or blocked"
    cards.verbs(below.add_parser("cards", help=summary), _ask, _state_dir())
    summary = "what is held of a card, and letting go of it"
    privacy.verbs(below.add_parser("privacy", help=summary), _ask, _state_dir())
    readings = below.add_parser("readings", help="the meters' last quarter of an hour, as CSV")
    readings.add_argument("--connector", type=int, metavar="N", help="of this one only")
    readings.add_argument("--json", action="store_true", help="as JSON")
    _add_state_dir(readings)
    readings.set_defaults(func=_readings)
    summary = "who or what decides at a connector now, since when, what must change"
    why.why_verb(below.add_parser("why", help=summary), _ask, _state_dir())
    summary = "what the flight recorder holds: the last hours, event by event"
    recording.recording_verbs(below.add_parser("recording", help=summary), _ask, _state_dir())
    summary = "step a recording again: the same decisions, or the first that is another"
    recording.replay_verb(below.add_parser("replay", help=summary))
    _add_transfer(below.add_parser("transfer", help="send the central system a DataTransfer"))
    release = below.add_parser("release", help="say that you have looked at a latched fault")
    release.add_argument("connector", type=int, metavar="N", help="of this connector")
    _add_state_dir(release)
    release.add_argument("--json", action="store_true", help="as JSON")
    release.set_defaults(func=_release)
    _add_limit(below.add_parser("limit", help="a local energy manager's limit, to be repeated"))
    _add_upkeep(below)
    return EDGE


def _add_upkeep(below: Any) -> None:
    """Add the verbs of those who install and look after it."""
    examined = below.add_parser("doctor", help="find the bad wire, meter, disk or line")
    _add_settings(examined)
    _add_state_dir(examined)
    doctor.verbs(examined)
    enrolled = below.add_parser("enrol", help="take the line that a central system gives, and dial")
    _add_state_dir(enrolled)
    enrol.verb(enrolled)
    logs.verb(below.add_parser("logs", help="what the controller wrote to its log, by journald"))
    summary = "journal and configuration in one file, for the day the card dies"
    saved = below.add_parser("backup", help=summary)
    _add_state_dir(saved)
    backup.verb(saved, _ask)
    summary = "write, check or explain the configuration"
    configuring.verbs(below.add_parser("config", help=summary), _add_settings)


def _add_transfer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("vendor", metavar="VENDOR", help="vendorId")
    parser.add_argument("--message", metavar="ID", help="messageId")
    parser.add_argument("--data", metavar="TEXT", help="what the vendor agreed on")
    _add_state_dir(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(func=_transfer)


def _add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("connector", type=int, metavar="N", help="of this connector")
    parser.add_argument("amperes", metavar="AMPERES", help="per phase; off: no more say in it")
    parser.add_argument("--for-s", type=float, default=80.0, help="then none flows (80)")
    _add_state_dir(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(func=_limit)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="edge.toml; may be repeated, later ones win (default: the simulated bay)",
    )
    parser.add_argument(
        "-o",
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting, as in -o ocpp.HeartbeatInterval=10; may be repeated",
    )


def _add_state_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=_state_dir(),
        metavar="DIR",
        help="journal and control socket (default: %(default)s)",
    )


def _state_dir() -> Path:
    """Return systemd's choice, the installed one if we may enter it, else the user's own place."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given)
    if os.access(INSTALLED, os.X_OK):
        return INSTALLED
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "tapwatt"


def _run(arguments: argparse.Namespace) -> int:
    gc.disable()  # all that importing makes stays: 40 ms of collections for nothing
    from edge.app import Options, run
    from edge.config.loading import load
    from edge.config.started import keep_started

    gc.freeze()  # nor does any later collection look at it
    gc.enable()
    settings = load(arguments.config, arguments.option)
    keep_started(arguments.config, os.environ.get("RUNTIME_DIRECTORY"))
    return run(
        Options(
            settings=settings,
            state_dir=arguments.state_dir,
            sim_socket=arguments.sim_socket,
            ready_fd=arguments.ready_fd,
        )
    )


def _safe_off(arguments: argparse.Namespace) -> int:
    """Say what could not be switched off; 0 if all is."""
    from edge.app import Options
    from edge.app.safe_off import safe_off
    from edge.config.loading import load

    failures = safe_off(
        Options(
            settings=load(arguments.config, arguments.option),
            state_dir=arguments.state_dir,
            sim_socket=arguments.sim_socket,
        )
    )
    if arguments.json:
        print(json.dumps({"off": not failures, "failures": list(failures)}))
    else:
        print("\n".join(failures) or "all outputs are off")
    return 1 if failures else 0


def _ask(
    arguments: argparse.Namespace, verb: str, within_s: float = WITHIN_S, **said: Any
) -> dict[str, Any]:
    from edge.control.client import ask
    from edge.errors import SimulationError

    answer = ask(arguments.state_dir / "control.sock", verb, within_s=within_s, **said)
    if "error" in answer:
        raise SimulationError(str(answer["error"]))
    return answer


def _status(arguments: argparse.Namespace) -> int:
    answer = _ask(arguments, "status")
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    standing = answer["boot"] or "not registered"
    print(f"{answer['station']}: {'online' if answer['online'] else 'offline'}, {standing}")
    _print_line(answer["line"], answer["certificates"])
    if answer["supply_lost"]:
        print("the mains are gone: the back-up supply holds the computer, nobody can charge")
    print(f"messages waiting: {answer['outbox']}, dead letters: {answer['dead_letters']}")
    if not answer["recorded"]:
        print("the journal takes nothing: no new sessions until the disk is mended")
    if answer["short_of_space"] or answer["samples_thinned"]:
        free_mib = (answer["free_bytes"] or 0) >> 20
        print(f"samples let go for want of room: {answer['samples_thinned']}, {free_mib} MiB left")
    damage = answer["damage"]
    if damage is not None:
        lost = f"not whole: {', '.join(damage['broken'])}" if damage["broken"] else "all are whole"
        print(f"the journal was damaged, see {damage['aside']}: {damage['rows']} rows kept, {lost}")
    for number, connector in answer["connectors"].items():
        session = connector["session"]
        doing = f", {session['energy_wh']} Wh so far" if session else ""
        fault = f" ({connector['info']})" if connector["info"] else ""
        print(f"connector {number}: {connector['status']}{fault}{doing}")
    for path in answer["crash_recordings"]:
        print(f"the controller crashed, what led to it is in {path}: see `tapwatt edge replay`")
    if answer["journal_check"]["verdict"] != "ok":
        print("the journal is damaged: restart the controller, which saves what can be read")
    _print_wear(answer["disk"])
    _print_power_cut(answer["power_cut"])
    return 0


def _print_line(line: dict[str, Any] | None, certificates: list[dict[str, Any]]) -> None:
    for sentence in (*why.line_told(line), *why.certificates_told(certificates)):
        print(sentence)


def _print_wear(disk: dict[str, Any]) -> None:
    if disk["written_bytes"] is None:
        print("written to disk: this kernel does not count it")
        return
    rates = disk["mb_per_day"]
    by_the_day = ", ".join(
        f"{rate:.1f} MB a day by the last {window}"
        for window, rate in rates.items()
        if rate is not None
    )
    since = f"{disk['written_bytes'] / 1e6:.2f} MB since the start"
    print(f"written to disk: {since}{', ' * bool(by_the_day)}{by_the_day}")


def _print_power_cut(costs: dict[str, Any]) -> None:
    if costs["at_most_wh"] is None:
        print("a power cut: what runs may be lost, the disk takes nothing")
        return
    flushed_wh = costs["flushed_now_at_most_wh"]
    in_time = "" if flushed_wh is None else f", {flushed_wh:.0f} Wh with the power-good input"
    print(
        f"a power cut costs nothing if the meters can be read afterwards, else"
        f" at most {costs['now_at_most_wh']:.0f} Wh now, {costs['at_most_wh']:.0f} Wh ever{in_time}"
    )


def _readings(arguments: argparse.Namespace) -> int:
    """Print a table: one column per quantity and phase."""
    said = {} if arguments.connector is None else {"connector": arguments.connector}
    answer = _ask(arguments, "readings", **said)
    if arguments.json:
        print(json.dumps(answer["readings"], indent=2))
        return 0
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow([*READINGS, *PHASES, "frequency_hz", "meter_serial"])
    for row in answer["readings"]:
        phases = (
            row[name][phase] if phase < len(row[name]) else None
            for name in ("voltage_v", "current_a")
            for phase in range(3)
        )
        last = row["frequency_hz"], row["meter_serial"]
        table.writerow([*(row[name] for name in READINGS), *phases, *last])
    return 0


def _transfer(arguments: argparse.Namespace) -> int:
    """Print the answer; 0 if it is Accepted."""
    said = {"vendor": arguments.vendor, "message": arguments.message, "data": arguments.data}
    answer = _ask(arguments, "transfer", TRANSFER_WITHIN_S, **said)
    if arguments.json:
        print(json.dumps(answer))
    else:
        # As JSON: what a stranger says must not steer the terminal.
        data = "" if answer["data"] is None else f" {json.dumps(answer['data'])}"
        print(f"{answer['status']}{data}")
    return 0 if answer["status"] == "Accepted" else 1


def _release(arguments: argparse.Namespace) -> int:
    released = _ask(arguments, "release", connector=arguments.connector)["released"]
    if arguments.json:
        print(json.dumps({"released": released}))
    else:
        print(f"released: {', '.join(released)}" if released else "nothing was latched")
    return 0


def _limit(arguments: argparse.Namespace) -> int:
    off = arguments.amperes == "off"
    try:
        limit_a = None if off else float(arguments.amperes)
    except ValueError:
        raise ConfigError(f"{arguments.amperes} is no number of amperes, nor off") from None
    said = {"connector": arguments.connector, "limit_a": limit_a, "for_s": arguments.for_s}
    answer = _ask(arguments, "limit", **said)
    if arguments.json:
        print(json.dumps(answer))
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    answer = _ask(arguments, "stop")
    if arguments.json:
        print(json.dumps(answer))
    return 0
