"""How a payload stands in signals: a number for one signal, a data class for a bundle, whose fields may be data classes and lists again."""

import dataclasses
import enum
import keyword
import operator
from typing import Any, Callable, Iterator, List, Sequence, Tuple, get_type_hints

# The value of a signal as a payload has it.
Convert = Callable[[Any], Any]


def signed(value: Any) -> int:
    """The value of a signal in two's complement."""
    return value.to_signed()


def unsigned(value: Any) -> int:
    """The value of a signal; a signal with bits that are neither 0 nor 1 has none."""
    return int(value)


class Codec:
    """Takes a payload apart and puts it together again.

    `type` is `int`, an `IntEnum` or a data class; `name` is the prefix of the signals. The fields of a data class may be marked with
    `metadata={"length": n}` (a list) and `metadata={"signed": True}`.
    """

    def __init__(self, entity: Any, name: str, type: Any, is_signed: bool = False) -> None:
        leaves = list(_leaves(type, is_signed, name, ""))
        self.signals = [getattr(entity, signal) for _, signal, _ in leaves]
        self._converts = [convert for _, _, convert in leaves]
        self._make = _maker(type)
        paths = [path for path, _, _ in leaves]
        if paths == [""]:
            self._take: Callable[[Any], Sequence[Any]] = lambda value: (value,)
        elif any("[" in path for path in paths):
            getters = [_getter(path) for path in paths]
            self._take = lambda value: [get(value) for get in getters]
        else:
            get_all = operator.attrgetter(*paths)
            self._take = get_all if len(paths) > 1 else lambda value: (get_all(value),)

    def write(self, payload: Any, last: List[Any]) -> None:
        """Drives the signals; `last` is what they were driven with, and spares those that stay as they are."""
        for i, value in enumerate(self._take(payload)):
            if last[i] != value:
                last[i] = value
                self.signals[i].value = int(value)

    def read(self, unknown: str = "error") -> Any:
        """The payload that the signals have now. `unknown` is what becomes of bits that are neither 0 nor 1: "error", or how cocotb resolves them."""
        values = [signal.value for signal in self.signals]
        try:
            return self._make(iter([convert(value) for value, convert in zip(values, self._converts)]))
        except ValueError:
            if unknown == "error":
                raise
        values = [value.resolve(unknown) for value in values]
        return self._make(iter([convert(value) for value, convert in zip(values, self._converts)]))


def _fields(type: Any) -> Iterator[Tuple[str, Any, bool, int]]:
    """Name, type, sign and length (0: no list) of each field of a data class."""
    hints = get_type_hints(type)
    for field in dataclasses.fields(type):
        length = field.metadata.get("length", 0)
        inner = hints[field.name].__args__[0] if length else hints[field.name]
        yield field.name, inner, field.metadata.get("signed", False), length


def _leaves(type: Any, is_signed: bool, name: str, path: str) -> Iterator[Tuple[str, str, Convert]]:
    if not dataclasses.is_dataclass(type):
        if isinstance(type, enum.EnumMeta):
            yield path, name, lambda value: type(int(value))
        else:
            yield path, name, signed if is_signed else unsigned
        return
    for field, inner, sign, length in _fields(type):
        place = f"{path}.{field}" if path else field
        # The class has an underscore behind a name that is a word of Python.
        signal = field[:-1] if field.endswith("_") and keyword.iskeyword(field[:-1]) else field
        if length == 0:
            yield from _leaves(inner, sign, f"{name}_{signal}", place)
        for i in range(length):
            yield from _leaves(inner, sign, f"{name}_{signal}_{i}", f"{place}[{i}]")


def _getter(path: str) -> Callable[[Any], Any]:
    steps = path.replace("]", "").replace("[", ".").split(".")

    def get(value: Any) -> Any:
        for step in steps:
            value = value[int(step)] if step.isdigit() else getattr(value, step)
        return value

    return get


def _maker(type: Any) -> Callable[[Iterator[Any]], Any]:
    if not dataclasses.is_dataclass(type):
        return next
    makers = [(_maker(inner), length) for _, inner, _, length in _fields(type)]

    def make(values: Iterator[Any]) -> Any:
        return type(*[[one(values) for _ in range(length)] if length else one(values) for one, length in makers])

    return make
