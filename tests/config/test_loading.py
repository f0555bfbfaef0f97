"""A wrong setting stops the start, with the place and the remedy; a right one arrives typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.loading import identity, load
from edge.config.settings import Settings, Station
from edge.drivers import ocpp_codec
from edge.errors import ConfigError

REAL = """
hardware = "real"
[station]
id = "YARD-7"
[csms]
url = "wss://csms.example/ocpp"
[ocpp]
heartbeatinterval = 60
LocalPreAuthorize = true
[policy]
reclose_delay_s = 10
[readers.0]
kind = "pn532"
port = "/dev/ttyS0"
connectors = [1]
[buses.rs485]
kind = "rtu"
port = "/dev/ttyUSB0"
[connectors.1.evse]
kind = "gpio"
coil = 17
[connectors.1.meter]
kind = "modbus"
bus = "rs485"
model = "sdm120"
[power_good]
kind = "gpio"
pin = 18
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edge.toml"


def written(file: Path, text: str) -> Settings:
    file.write_text(text, encoding="utf-8")
    return load([file])


def test_no_file_means_the_simulated_bay() -> None:
    """`tapwatt edge run --sim-socket S` needs no configuration."""
    settings = load()
    assert settings.hardware == "simulated"
    assert settings.simulated.connectors == 2
    assert settings.csms["url"] == "ws://127.0.0.1:9000/ocpp"


def test_a_whole_file_arrives_typed(file: Path) -> None:
    """OCPP keys get their right spelling; driver tables stay raw for the registry."""
    settings = written(file, REAL)
    assert settings.station.id == "YARD-7"
    assert settings.ocpp == {"HeartbeatInterval": "60", "LocalPreAuthorize": "true"}
    assert settings.policy.reclose_delay_s == 10.0
    assert settings.readers[0]["port"] == "/dev/ttyS0"
    assert settings.connectors[1].evse == {"kind": "gpio", "coil": 17}
    assert settings.connectors[1].meter is not None
    assert settings.power_good == {"kind": "gpio", "pin": 18}


def test_options_win_over_files_and_later_files_over_earlier(file: Path, tmp_path: Path) -> None:
    """Precedence, key by key."""
    second = tmp_path / "site.toml"
    file.write_text('[station]\nid = "A"\nmodel = "M"\n', encoding="utf-8")
    second.write_text('[station]\nid = "B"\n', encoding="utf-8")
    settings = load([file, second], ["csms.url=ws://10.0.0.1/x", "simulated.connectors=1"])
    assert (settings.station.id, settings.station.model) == ("B", "M")
    assert settings.csms["url"] == "ws://10.0.0.1/x"
    assert settings.simulated.connectors == 1


def test_ocpp_keys_given_as_options_stay_apart() -> None:
    """They are never persisted and win over ChangeConfiguration."""
    settings = load([], ["ocpp.heartbeatInterval=10"])
    assert settings.overrides == {"HeartbeatInterval": "10"}
    assert settings.ocpp == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[station]\nmodle = "x"\n', ["edge.toml", "[station]", '"modle"', 'mean "model"']),
        ("[statoin]\n", ["edge.toml", '"statoin"', 'mean "station"']),
        ("[ocpp]\nHeartbeatIntervall = 5\n", ["[ocpp]", 'mean "HeartbeatInterval"']),
        ("[ocpp]\nHeartbeatInterval = -5\n", ["[ocpp]", "HeartbeatInterval", '"-5"']),
        ("[ocpp]\nNumberOfConnectors = 5\n", ["[ocpp] NumberOfConnectors", "what the station is"]),
        ("[ocpp]\nSendLocalListMaxLength = 1001\n", ["[ocpp]", "integer 1-1000"]),
        ("[ocpp]\nCpoName = '" + "x" * 501 + "'\n", ["CpoName"]),
        ("[policy]\nreclose_delay = 5\n", ["[policy]", 'mean "reclose_delay_s"']),
        ("[policy]\nreclose_delay_s = 'x'\n", ["policy.reclose_delay_s", "float"]),
        ("[connectors.1.evze]\n", ["[connectors.1]", 'mean "evse"']),
        ("[connectors.0.evse]\n", ["connectors.1"]),
        ("station = 5\n", ["write [station]"]),
        ("hardware = 'reel'\n", ["hardware", "reel"]),
        ("hardware = 'real'\n", ["[connectors.1.evse]"]),
        ("[readers.0]\nkind = 'pn532'\n", ["brings its own"]),
        ("[power_good]\nkind = 'gpio'\n", ["brings its own", "power_good"]),
        ("[power_goods]\n", ['mean "power_good"']),
        ("hardware = 'real'\n[connectors.2.evse]\nkind = 'gpio'\n", ["numbered 1, 2, 3"]),
        ("hardware = \n", ["no TOML", "line 1"]),
        ("[ocpp]\nHeartbeatInterval = " + "9" * 5000, ["no TOML"]),
        ("a = " + "[" * 3000, ["no TOML"]),
    ],
)
def test_a_wrong_file_is_refused_with_place_and_remedy(
    file: Path, text: str, words: list[str]
) -> None:
    """An installer mends what the sentence names."""
    with pytest.raises(ConfigError) as refused:
        written(file, text)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("option", ["station", "ocpp=5", "=5", "ocpp.=5", "statoin.id=x"])
def test_a_wrong_option_is_refused(option: str) -> None:
    """Options are checked as files are."""
    with pytest.raises(ConfigError, match="-o "):
        load([], [option])


def test_a_missing_file_is_named() -> None:
    """One sentence, no traceback."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read"):
        load([Path("nowhere.toml")])


def test_the_introduction_says_all_that_is_configured(file: Path) -> None:
    """Issue 3, 1: from the file to the wire, SIM card and main meter too (4.2, 6.3)."""
    words = """
        [station]
        vendor = "V"
        model = "M"
        serial = "S"
        box_serial = "B"
        firmware = "1.2"
        iccid = "8949"
        imsi = "26201"
        meter_type = "EM340"
        meter_serial = "M7"
    """
    assert ocpp_codec.encode(identity(written(file, words).station, "0.1.0")) == {
        "chargePointVendor": "V",
        "chargePointModel": "M",
        "chargePointSerialNumber": "S",
        "chargeBoxSerialNumber": "B",
        "firmwareVersion": "1.2",
        "iccid": "8949",
        "imsi": "26201",
        "meterType": "EM340",
        "meterSerialNumber": "M7",
    }
    assert ocpp_codec.encode(identity(Station(), "0.1.0")) == {
        "chargePointVendor": "Tapwatt",
        "chargePointModel": "Bay",
        "firmwareVersion": "0.1.0",
    }


def test_an_introduction_no_central_system_can_read_stops_the_start(file: Path) -> None:
    """CiString20: it would be refused at every boot, for ever."""
    with pytest.raises(ConfigError, match=r"station\.iccid"):
        written(file, f'[station]\niccid = "{"8" * 21}"\n')


@pytest.mark.parametrize("value", ["-4", "inf", "nan", "86401"])
def test_safety_05_a_time_that_runs_backwards_or_never_ends_stops_the_start(value: str) -> None:
    """Safety 5 and 6: the contactor's rest and the car's six seconds hang on them."""
    with pytest.raises(ConfigError, match=r"policy\.reclose_delay_s"):
        load(options=[f"policy.reclose_delay_s={value}"])


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("bounds.stop_at_c=65", "derate_from_c must be less than bounds.stop_at_c"),
        ("bounds.voltage_stop_percent=10", "voltage_warn_percent must be less"),
        ("bounds.over_current_after_s=5", "a car has that long to follow"),
        ("bounds.over_current_noise_a=-0.5", "must lie in 0"),
        ("bounds.without_sensor_a=nan", "must lie in 0"),
    ],
)
def test_safety_14_bounds_that_judge_nothing_stop_the_start(option: str, words: str) -> None:
    """Safety 14 and 15: warn before stopping; a car has five seconds to follow."""
    with pytest.raises(ConfigError, match=words):
        load(options=[option])


def test_safety_12_trips_that_nobody_counts_below_none_stop_the_start() -> None:
    """Safety 12."""
    with pytest.raises(ConfigError, match="rcd_trips_an_hour"):
        load(options=["policy.rcd_trips_an_hour=-1"])


def test_self_tests_that_leave_no_time_to_charge_stop_the_start() -> None:
    """Safety 12: nobody can start during one."""
    with pytest.raises(ConfigError, match="rcd_test_every_s"):
        load(options=["policy.rcd_test_every_s=5"])


def test_bounds_are_settings_of_their_own() -> None:
    """As delivered, and as the owner wants them."""
    assert load().bounds.stop_at_c == 70.0
    assert load(options=["bounds.stop_at_c=75"]).bounds.stop_at_c == 75.0


@pytest.mark.parametrize(
    "option",
    ["phase_pause_s=9.9", "phase_switches_an_hour=0", "phase_switching=always"],
)
def test_safety_23_a_phase_relay_is_given_its_rest(option: str) -> None:
    """A pause of ten seconds at least, a bound, and one of two ways."""
    with pytest.raises(ConfigError, match=option.partition("=")[0]):
        load(options=[f"policy.{option}"])
