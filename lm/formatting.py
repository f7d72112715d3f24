"""Numbers and lists as people read them."""

from collections.abc import Iterable, Iterator, Mapping


def format_duration(seconds: float) -> str:
    """Write a time span with the two units that matter: `3 min 1 s`, `2 h 5 min`, `0.4 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def spoken_duration(seconds: float) -> str:
    """Write a time span as one would say it: `3 minutes`, `45 seconds`, `2.5 hours`."""
    if seconds < 60:
        return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
    minutes = round(seconds / 60)
    if minutes < 90:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"{seconds / 3600:.1f} hours"


def format_text_size(count: int) -> str:
    """Write the size of a text in bytes: `1.1 MB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.{0 if unit == 'kB' else 1}f} {unit}"
    return f"{count} bytes"


def format_count(count: float) -> str:
    """Write how many there are of something: `5.2 million`, `870`, `12,400`."""
    for name, size in (("billion", 10**9), ("million", 10**6)):
        if count >= size:
            return f"{count / size:.1f} {name}"
    return f"{count:,.0f}"


def counted(number: int, noun: str) -> str:
    """Write so many of a thing: `1 layer`, `4 layers`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listing(names: Iterable[str]) -> str:
    """Write names as a sentence has them: `download, clean and tokenize`. Empty for none."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def flattened(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every single value of nested mappings, with its dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def format_bytes(count: float) -> str:
    """Write a size for people, in binary units: `1.4 GiB`."""
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"
