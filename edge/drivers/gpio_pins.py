"""GPIO pins: which a charging point has, how they are opened, what levels mean.

Outputs are opened first, each at its safe level: coil and lamps low, the pilot at steady +12 V.
This is the only module that imports gpiozero.

Quality: gpiozero's mock pins; see `gpio_evse`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from gpiozero import DigitalInputDevice, DigitalOutputDevice, GPIOZeroError, PWMOutputDevice

from edge.errors import ConfigError, EvseFailed

PILOT_HZ: Final = 1000
LEAST_A: Final = 6.0  # there is no smaller offer (IEC 61851-1): less is a pause
MOST_A: Final = 80.0
BEND_A: Final = 51.0  # above, a percent of duty means 2.5 A instead of 0.6

INPUTS: Final = (
    "emergency_stop",
    "rcd",
    "over_temperature",
    "pilot_fault",
    "vehicle",
    "ready",
    "ventilation",
    "feedback",
    "plug",
    "locked",
    "stop_button",
)
OTHER_KEYS: Final = ("active_low", "pull", "rated_a", "phases", "nominal_v")

Pin = Annotated[int, msgspec.Meta(ge=0, le=45)]  # a Pi has 28 lines, a Compute Module 46
InputName = Literal[
    "emergency_stop",
    "rcd",
    "over_temperature",
    "pilot_fault",
    "vehicle",
    "ready",
    "ventilation",
    "feedback",
    "plug",
    "locked",
    "stop_button",
]


OutputName = Literal["lamp_red", "lamp_green", "lamp_blue", "buzzer"]
"""Outputs that may be on at low: what danger hangs on is not among them (safety 1)."""


class GpioSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[connectors.N.evse]` with `kind = "gpio"`: BCM pin numbers; all but the coil may be absent.

    `dead_man` is toggled while the control loop works, for a coil driver that falls without it;
    `shunt_trip` is high while the contactor is welded. `rcd_test` is high for half a second, to let
    a test current through the residual current device whose trip `rcd` shows. `phase_relay` is high
    for three phases and low for one, and wants a mirror contact. Lamps and buzzer in `active_low`
    light at low (common anode); the coil is on at high and nothing else.

    With `pilot_pwm`, `vehicle` and `ready` it is a charging point with pilot. Inputs are active
    high and pulled down by the Pi; those named in `active_low` the other way round; `pull = false`
    leaves both to the circuit, as a normally closed loop needs it. `lock` is a level: high keeps
    the cable.
    """

    coil: Pin
    feedback: Pin | None = None
    plug: Pin | None = None
    pilot_pwm: Pin | None = None
    vehicle: Pin | None = None
    ready: Pin | None = None
    ventilation: Pin | None = None
    pilot_fault: Pin | None = None
    emergency_stop: Pin | None = None
    rcd: Pin | None = None
    over_temperature: Pin | None = None
    lamp_red: Pin | None = None
    lamp_green: Pin | None = None
    lamp_blue: Pin | None = None
    lock: Pin | None = None
    locked: Pin | None = None
    stop_button: Pin | None = None
    buzzer: Pin | None = None
    dead_man: Pin | None = None
    shunt_trip: Pin | None = None
    rcd_test: Pin | None = None
    phase_relay: Pin | None = None
    active_low: tuple[InputName | OutputName, ...] = ()
    pull: bool = True
    rated_a: Annotated[float, msgspec.Meta(ge=LEAST_A, le=MOST_A)] = 32.0
    phases: Literal[1, 3] = 1
    nominal_v: Annotated[float, msgspec.Meta(gt=0)] = 230.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The opened pins of one charging point; what it has not is absent or `None`.

    The phase relay's pin is opened later: doing so moves what an earlier process left under load.
    """

    coil: Any
    pilot: Any | None
    lock: Any | None
    lamps: Mapping[str, Any]
    buzzer: Any | None
    dead_man: Any | None
    shunt_trip: Any | None
    rcd_test: Any | None
    inputs: Mapping[str, Any]
    open_phase_relay: Callable[[], Any] | None  # its pin is left alone until a contactor is open

    def reads(self, name: str) -> bool:
        """Whether the input *name* is there and active."""
        return name in self.inputs and bool(self.inputs[name].is_active)


def duty(limit_a: float) -> float:
    """Duty cycle (0..1) of the control pilot that offers *limit_a*; 1.0 is steady +12 V, no offer.

    Source: IEC 61851-1 table A.7, as quoted in safety.md row 7.
    """
    if limit_a < LEAST_A:
        return 1.0
    if limit_a <= BEND_A:
        return limit_a / 0.6 / 100
    return (min(limit_a, MOST_A) / 2.5 + 64) / 100


def check_pins(settings: GpioSettings, place: int) -> None:
    """Refuse a pin used twice, half a pilot, and a test or a phase relay nobody sees the end of."""
    used: dict[int, str] = {}
    for name, pin in pins_of(settings).items():
        if pin in used:
            raise ConfigError(f"connector {place}: {name} and {used[pin]} are both on pin {pin}")
        used[pin] = name
    pilot = (settings.pilot_pwm, settings.vehicle, settings.ready)
    if any(pin is not None for pin in pilot) and None in pilot:
        message = f"connector {place}: a pilot needs all of pilot_pwm, vehicle and ready"
        raise ConfigError(message)
    if settings.rcd_test is not None and settings.rcd is None:
        raise ConfigError(f"connector {place}: rcd_test needs rcd, the input that shows the trip")
    if settings.phase_relay is not None and (settings.feedback is None or settings.phases == 1):
        message = f"connector {place}: a phase_relay needs feedback, and phases = 3"
        raise ConfigError(message)


def pins_of(settings: GpioSettings) -> dict[str, int]:
    """The pins that *settings* use, by what they are for."""
    named = {each.name: getattr(settings, each.name) for each in msgspec.structs.fields(settings)}
    return {name: pin for name, pin in named.items() if name not in OTHER_KEYS and pin is not None}


def open_pins(settings: GpioSettings, pin_factory: Any, stack: ExitStack) -> Pins:
    """Open all pins, outputs first and each at its safe level; the stack closes them again.

    Raises `EvseFailed` for pins that cannot be had.
    """
    try:
        return _open_pins(settings, pin_factory, stack)
    except GPIOZeroError as error:
        message = f"GPIO pins cannot be used ({error}): is another program using them?"
        raise EvseFailed(message) from error


def _open_pins(settings: GpioSettings, pin_factory: Any, stack: ExitStack) -> Pins:
    def output(pin: int | None, *, on: bool = False, low: bool = False) -> Any | None:
        if pin is None:
            return None
        return stack.enter_context(
            DigitalOutputDevice(pin, active_high=not low, initial_value=on, pin_factory=pin_factory)
        )

    relay = settings.phase_relay

    def signal(name: str) -> Any | None:
        return output(getattr(settings, name), low=name in settings.active_low)

    coil = output(settings.coil)
    pilot = None
    if settings.pilot_pwm is not None:
        pilot = stack.enter_context(
            PWMOutputDevice(
                settings.pilot_pwm, initial_value=1.0, frequency=PILOT_HZ, pin_factory=pin_factory
            )
        )
    lamps = {colour: signal(f"lamp_{colour}") for colour in ("red", "green", "blue")}
    inputs = {
        name: stack.enter_context(_input(settings, name, pin_factory))
        for name in INPUTS
        if getattr(settings, name) is not None
    }
    # A bistable lock keeps its cable over a power cut: it is let go only when the core says so.
    kept = "locked" in inputs and bool(inputs["locked"].is_active)
    return Pins(
        coil=coil,
        pilot=pilot,
        lock=output(settings.lock, on=kept),
        lamps={colour: device for colour, device in lamps.items() if device is not None},
        buzzer=signal("buzzer"),
        dead_man=output(settings.dead_man),
        shunt_trip=output(settings.shunt_trip),
        rcd_test=output(settings.rcd_test),
        inputs=inputs,
        open_phase_relay=None if relay is None else partial(output, relay),
    )


def _input(settings: GpioSettings, name: str, pin_factory: Any) -> Any:
    low = name in settings.active_low
    pin = getattr(settings, name)
    return _make_input(pin, active_high=not low, pull=settings.pull, pin_factory=pin_factory)


def open_input(pin: int, *, active_high: bool, pull: bool, pin_factory: Any) -> Any:
    """An input of its own, to be closed by its caller; raises `EvseFailed` if it cannot be had."""
    try:
        return _make_input(pin, active_high=active_high, pull=pull, pin_factory=pin_factory)
    except GPIOZeroError as error:
        message = f"GPIO pin {pin} cannot be used ({error}): is another program using it?"
        raise EvseFailed(message) from error


def open_output(pin: int, *, high: bool, pin_factory: Any) -> Any:
    """An output of its own, to be closed by its caller; raises `EvseFailed` if it cannot be had."""
    try:
        return DigitalOutputDevice(pin, initial_value=high, pin_factory=pin_factory)
    except GPIOZeroError as error:
        message = f"GPIO pin {pin} cannot be used ({error}): is another program using it?"
        raise EvseFailed(message) from error


def _make_input(pin: int, *, active_high: bool, pull: bool, pin_factory: Any) -> Any:
    """With *pull* the Pi holds it at its passive level where nothing drives it."""
    if pull:
        return DigitalInputDevice(pin, pull_up=not active_high, pin_factory=pin_factory)
    return DigitalInputDevice(pin, pull_up=None, active_state=active_high, pin_factory=pin_factory)
