"""What is known of the licence of a text, and how it is said where nothing is."""

NOT_STATED = "not stated"
GUTENBERG = "public domain in the United States"
LONGEST = 100  # characters
MAX_COUNTED = 50  # different ones of a corpus; further ones are counted as others
OTHERS = "others"


def tidy(licence: object) -> str:
    """A licence as a table's row has it, in one short line; nothing where it is no name."""
    return " ".join(licence.split())[:LONGEST] if isinstance(licence, str) else ""


class LicenceCounts:
    """Bytes of clean text by corpus and licence."""

    def __init__(self) -> None:
        self.bytes: dict[str, dict[str, int]] = {}

    def add(self, corpus: str, licence: str, text_bytes: int) -> None:
        """Count a document."""
        counts = self.bytes.setdefault(corpus, {})
        name = licence if licence in counts or len(counts) < MAX_COUNTED else OTHERS
        counts[name] = counts.get(name, 0) + text_bytes
