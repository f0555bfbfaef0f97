"""`tapwatt sim …`: run the simulated bay, and do things to it by its control socket."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from edge.cli.chaos import add_arguments as add_chaos
from edge.cli.examples import SIM
from edge.control.client import ask, follow
from edge.errors import EdgeError

DEFAULT_SOCKET: Final = Path(".cache/demo/sim.sock")
SOCKET_VARIABLE: Final = "TAPWATT_SIM_SOCKET"
CONDITIONS: Final = (("!=", "not"), (">=", "gte"), ("<=", "lte"), ("=", ""))
WAIT_MARGIN_S: Final = 10.0

Requested = Callable[[argparse.Namespace], dict[str, Any]]


def verbs(parser: argparse.ArgumentParser) -> Mapping[str, str]:
    """Add the verbs of `tapwatt sim` to *parser*; gives an example of each."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--sim-socket",
        type=Path,
        default=argparse.SUPPRESS,
        help=f"the bay's control socket (else ${SOCKET_VARIABLE}, else {DEFAULT_SOCKET})",
    )
    commands = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def add(name: str, text: str, *arguments: Argument) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, parents=[common])
        for argument in arguments:
            command.add_argument(argument[0], **argument[1])
        return command

    _add_serve(add("serve", "run the bay until SIGTERM", *SERVE))
    for name, (text, arguments) in VERBS.items():
        command = add(name, text, *arguments)
        names = [action.dest for action in command._actions]  # noqa: SLF001 - no public list
        taken = tuple(n for n in names if n not in ("help", "sim_socket"))
        command.set_defaults(func=_asker(name, taken))
    chaos = commands.add_parser("chaos", help="your configuration against faults, reckoned up")
    add_chaos(chaos)
    add("events", "print the snapshot, and again when it changes").set_defaults(func=_events)
    add(
        "wait",
        "block until the snapshot matches",
        ("condition", {"nargs": "+", "help": "such as connectors.1.status=Charging; != >= <="}),
        ("--timeout-s", {"type": float, "default": 10.0}),
    ).set_defaults(func=_wait)
    return SIM


def socket_path(args: argparse.Namespace) -> Path:
    """The control socket that *args* and the environment mean."""
    given: Path | None = getattr(args, "sim_socket", None)
    return given or Path(os.environ.get(SOCKET_VARIABLE) or DEFAULT_SOCKET)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m edge.cli.sim …`, the same as `tapwatt sim …`."""
    parser = argparse.ArgumentParser(prog="tapwatt sim")
    verbs(parser)
    args = parser.parse_args(arguments)
    return int(args.func(args))


Argument = tuple[str, dict[str, Any]]
CONNECTOR: Final[Argument] = ("connector", {"type": int})
SIDE: Final[Argument] = ("--side", {"default": "both", "help": "ev, evse or both"})


def _list(kind: type) -> Callable[[str], list[Any]]:
    def parse(text: str) -> list[Any]:
        return [kind(part) for part in text.split(",") if part]

    return parse


def _celsius(text: str) -> float | str:
    return text if text == "off" else float(text)


SERVE: Final[tuple[Argument, ...]] = (
    ("--socket", {"type": Path, "help": "where to listen"}),
    ("--connectors", {"type": int, "default": 2}),
    ("--meter-bus", {"default": "rtu", "help": "rtu or tcp"}),
    ("--meter-model", {"default": "sdm120", "help": "a file of edge/drivers/meters"}),
    ("--evse", {"default": "gpio", "help": "gpio or modbus: who holds contactor and pilot"}),
    ("--draw-w", {"type": float, "default": 0.0, "help": "what each car would draw"}),
    ("--ev-delay-s", {"type": float, "default": 0.3, "help": "from the offer until it asks"}),
    ("--phases", {"type": int, "default": 1}),
    ("--phase-relay", {"action": "store_true", "help": "a pin switches between one and three"}),
    ("--baud-timing", {"action": "store_true", "help": "the RTU line is as slow as 9600 baud"}),
    ("--no-meter-refresh", {"action": "store_true", "help": "meters publish at every read"}),
    ("--tables", {"type": json.loads, "help": "JSON: what is wired where, as `attach` tells it"}),
    ("--ready-fd", {"type": int, "help": "write one JSON line there when listening"}),
    ("--until-closed-fd", {"type": int, "help": "end when this pipe breaks"}),
)
VERBS: Final[dict[str, tuple[str, tuple[Argument, ...]]]] = {
    "plug": (
        "put the cable in",
        (CONNECTOR, SIDE, ("--bounces", {"type": int, "help": "how often the contacts chatter"})),
    ),
    "unplug": ("pull the cable out", (CONNECTOR, SIDE)),
    "ev": (
        "the car's wish: B not ready, C ready, D with ventilation",
        (CONNECTOR, ("state", {"nargs": "?"}), ("--draw-w", {"type": float})),
    ),
    "card": (
        "lay a card on the reader for a moment",
        (
            ("uid", {}),
            ("--reader", {"type": int, "default": 0}),
            ("--connectors", {"type": _list(int)}),
            ("--for-s", {"type": float}),
        ),
    ),
    "meter": (
        "set what a meter shows; 0 is the main meter",
        (
            CONNECTOR,
            ("--energy-wh", {"type": float}),
            ("--power-w", {"type": float, "help": "the load while the contactor is closed"}),
            ("--voltage", {"type": float}),
            ("--current", {"type": _list(float), "help": "three values, a,b,c"}),
            ("--soc", {"type": float}),
            ("--time-scale", {"type": float, "help": "how many times faster energy counts"}),
            ("--rollover-wh", {"type": float, "help": "where the register begins anew"}),
        ),
    ),
    "temperature": (
        "how warm it is beside the contactor; off: the sensor is gone",
        (CONNECTOR, ("celsius", {"type": _celsius})),
    ),
    "meter.fail": (
        "a fault on the bus: timeout, crc, stuck, swapped, late, wrong_unit, short, busy or none",
        (CONNECTOR, ("mode", {})),
    ),
    "meter.unit": (
        "set a meter's address on its line; two may have the same",
        (CONNECTOR, ("unit", {"type": int})),
    ),
    "bus": (
        "a meters' line: held low, crossed (A and B), or how its meters are set to speak",
        (
            ("--name", {"help": "of the table [buses.NAME], if there are several"}),
            ("--fault", {"help": "none, held or crossed"}),
            ("--baudrate", {"type": int}),
            ("--parity", {"help": "N, E or O; nobody hears E or O through a pseudo-terminal"}),
        ),
    ),
    "fault": (
        "let a fault happen; 0 is the whole charge point",
        (CONNECTOR, ("code", {}), ("--vendor-code", {})),
    ),
    "clear": ("mend one fault or all", (CONNECTOR, ("code", {"nargs": "?"}))),
    "lock": ("the lock: ok, fail_lock, fail_unlock or absent", (CONNECTOR, ("mode", {}))),
    "reader.fail": (
        "the reader goes silent (or --mode garbled, late, duplicate)",
        (("reader", {"type": int}), ("on", {"help": "on or off"}), ("--mode", {})),
    ),
    "net": (
        "our OCPP line: up, down, refuse, blackhole, or half: it breaks within an answer",
        (
            ("mode", {}),
            ("--for-s", {"type": float}),
            ("--after-bytes", {"type": int, "help": "of an answer, with half"}),
        ),
    ),
    "process": ("kill: the daemon's process alone, its outputs stay as they are", (("mode", {}),)),
    "disk": (
        "hook: the journal's disk is ok, full, read_only or broken",
        (("mode", {}), ("--delay-s", {"type": float, "help": "of each sync"})),
    ),
    "power": (
        "off: last words, then dark; kill: dark at once; fail, back: the grid, seen by an input",
        (("mode", {}),),
    ),
    "clock": (
        "the wall clock that the daemon sees",
        (("--offset-s", {"type": float}), ("--freeze", {"choices": ("on", "off")})),
    ),
    "button": (
        "press, hold or release a button: estop, stop",
        (
            ("name", {}),
            ("action", {"nargs": "?", "default": "press"}),
            ("--connector", {"type": int, "default": 0}),
        ),
    ),
    "fail.locallist": (
        "hook: the disk takes no local list: on, off",
        (("on", {}),),
    ),
    "ocpp.datatransfer": (
        "hook: the charge point sends a DataTransfer",
        (("vendorId", {}), ("--messageId", {}), ("--data", {})),
    ),
    "ocpp.security_event": (
        "hook: a sensor reports an event",
        (("type", {}), ("--info", {})),
    ),
    "fail.firmware": ("hook: the next update: ok, download or install (fails)", (("next", {}),)),
    "reset_state": ("the daemon forgets", (("--keep", {"type": _list(str)}),)),
    "state": ("the snapshot: daemon and world", ()),
    "world": ("the truth about the bay alone", ()),
}


def _asker(op: str, names: Sequence[str]) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        given = {name: getattr(args, name) for name in names}
        arguments = {name: value for name, value in given.items() if value is not None}
        return _report(lambda: ask(socket_path(args), op, **arguments))

    return run


def _report(answer_of: Callable[[], dict[str, Any]]) -> int:
    try:
        answer = answer_of()
    except EdgeError as problem:
        answer = {"error": str(problem)}
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return 1
    flat = all(not isinstance(value, dict | list) for value in answer.values())
    print(json.dumps(answer, indent=None if flat else 2))
    return 0


def _events(args: argparse.Namespace) -> int:
    try:
        for state in follow(socket_path(args), "events"):
            print(json.dumps(state), flush=True)
    except KeyboardInterrupt:
        return 0
    except EdgeError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _wait(args: argparse.Namespace) -> int:
    condition = dict(_condition(text) for text in args.condition)
    return _report(
        lambda: ask(
            socket_path(args),
            "wait",
            within_s=args.timeout_s + WAIT_MARGIN_S,
            condition=condition,
            timeout_s=args.timeout_s,
        )
    )


def _condition(text: str) -> tuple[str, Any]:
    for sign, comparison in CONDITIONS:
        path, found, wanted = text.partition(sign)
        if found:
            try:
                value = json.loads(wanted)
            except ValueError:
                value = wanted
            return path, {comparison: value} if comparison else value
    return text, True


def _add_serve(command: argparse.ArgumentParser) -> None:
    def run(args: argparse.Namespace) -> int:
        import asyncio

        from edge.cli.sim_serve import serve

        try:
            asyncio.run(serve(args.socket or socket_path(args), args))
        except EdgeError as problem:
            print(problem, file=sys.stderr)
            return 1
        return 0

    command.set_defaults(func=run)


if __name__ == "__main__":
    sys.exit(main())
