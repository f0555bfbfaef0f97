"""`tapwatt edge config …`: write a first edge.toml, say what is wrong with one, explain it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

KINDS: Final = ("pilot", "socket")


def verbs(
    parser: argparse.ArgumentParser, add_settings: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Add the verbs of `tapwatt edge config`; *add_settings* the options that name a file."""
    below = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    check = below.add_parser("check", help="say what is wrong with the configuration")
    add_settings(check)
    check.add_argument(
        "--quick", action="store_true", help="leave out the rehearsal on the simulated bay"
    )
    check.set_defaults(func=_config_check)
    explain = below.add_parser("explain", help="say where a setting comes from")
    explain.add_argument("key", metavar="KEY", help="an OCPP key, or a setting such as csms.url")
    add_settings(explain)
    explain.set_defaults(func=_config_explain)
    _add_init(below.add_parser("init", help="write a first edge.toml, with comments"))
    listed = below.add_parser("reference", help="every OCPP key, as a Markdown table")
    listed.set_defaults(func=_config_reference)


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("edge.toml"), metavar="FILE")
    parser.add_argument("--id", metavar="ID", help="the station's id")
    parser.add_argument("--csms", metavar="URL", help="the central system's address")
    parser.add_argument("--kind", choices=KINDS, help="with a control pilot, or a domestic socket")
    parser.add_argument("--connectors", type=int, choices=(1, 2), metavar="N", help="1 or 2")
    parser.add_argument("--reader", metavar="PORT", help="the PN532's serial line, none without")
    parser.add_argument("--meters", metavar="PORT", help="the RS-485 adapter of the meters")
    parser.add_argument("--model", default="sdm120", help="the meters' model (default: sdm120)")
    parser.add_argument(
        "--search", action="store_true", help="look for the meters now, and write what is found"
    )
    parser.set_defaults(func=_config_init)


def _config_init(arguments: argparse.Namespace) -> int:
    """Ask for what no flag says, where somebody is there to answer."""
    from edge.config.writing import Plan, written
    from edge.errors import ConfigError

    if arguments.out.exists():
        raise ConfigError(f"{arguments.out} is there already: name another with --out")
    plan = Plan(
        station=_said(arguments.id, "the station's id", "TAPWATT-1"),
        csms=_said(arguments.csms, "the central system's address", "ws://127.0.0.1:9000/ocpp"),
        has_pilot=_said(arguments.kind, "pilot or socket", "pilot") == "pilot",
        connectors=int(_said(arguments.connectors, "how many connectors", 1)),
        reader=_said(arguments.reader, "the reader's serial line", "/dev/serial0"),
        meters=_said(arguments.meters, "the meters' adapter", "/dev/ttyUSB0"),
        model=arguments.model,
    )
    found = _searched(plan.meters) if arguments.search else None
    arguments.out.write_text(written(plan, found), encoding="utf-8")
    print(f"{arguments.out} is written: go through it, then `tapwatt edge config check`")
    return 0


def _said(given: Any, what: str, default: Any) -> str:
    if given is not None:
        return str(given)
    if not sys.stdin.isatty():
        return str(default)
    return input(f"{what} [{default}]: ").strip() or str(default)


def _searched(port: str) -> dict[str, Any]:
    """The tables of what answers on *port*; raises `ConfigError` if nobody does."""
    import asyncio

    from edge.app.logs import hush
    from edge.doctor.bus import search
    from edge.errors import ConfigError

    hush()
    result = asyncio.run(search(port))
    for remark in result.remarks:
        print(remark.text, file=sys.stderr)
    tables = result.tables()
    if not tables:
        raise ConfigError(f"no meter was found on {port}: write the file without --search")
    return tables


def _config_check(arguments: argparse.Namespace) -> int:
    import asyncio

    from edge.app.logs import hush
    from edge.config.loading import load
    from edge.doctor.finding import Level
    from edge.doctor.plan import judge
    from edge.doctor.rehearsal import rehearse
    from edge.doctor.report import lines
    from edge.drivers.ocpp_costs import check_default_price
    from edge.drivers.ocpp_link import Settings as LinkSettings
    from edge.drivers.page import read_settings
    from edge.drivers.registry import choose, decode
    from edge.drivers.transfer import Settings as TransferSettings
    from edge.drivers.verifier import read_roots

    settings = load(arguments.config, arguments.option)
    check_default_price(settings.ocpp, settings.overrides)
    decode(LinkSettings, settings.csms, "csms")
    decode(TransferSettings, settings.transfer, "transfer")
    read_settings(settings.page)
    read_roots(settings.firmware.ca_file)
    for name, bus in settings.buses.items():
        choose("bus", bus, f"buses.{name}")
    for number, reader in settings.readers.items():
        choose("reader", reader, f"readers.{number}")
    for connector, tables in settings.connectors.items():
        choose("evse", tables.evse, f"connectors.{connector}.evse")
        if tables.meter is not None:
            choose("meter", tables.meter, f"connectors.{connector}.meter")
        if tables.temperature is not None:
            choose("temperature", tables.temperature, f"connectors.{connector}.temperature")
    if settings.power_good is not None:
        choose("power_good", settings.power_good, "power_good")
    found = list(judge(settings))
    is_sound = all(each.level is not Level.FAULT for each in found)
    if is_sound and settings.hardware == "real" and not arguments.quick:
        hush()
        found += asyncio.run(rehearse(settings))
    print("\n".join(lines(found)) or "the configuration is sound")
    return 1 if any(each.level is Level.FAULT for each in found) else 0


def _config_explain(arguments: argparse.Namespace) -> int:
    from edge.config.explaining import explain
    from edge.config.loading import load

    print("\n".join(explain(load(arguments.config, arguments.option), arguments.key)))
    return 0


def _config_reference(_arguments: argparse.Namespace) -> int:
    from edge.config.explaining import reference

    print("\n".join(reference()))
    return 0
