"""What stands around a stretch of a text, cut between words."""

CHARACTERS = 60
SHOWN_BYTES = 4 * CHARACTERS  # no character has more than four bytes


def surroundings(content: bytes, begin: int, end: int) -> tuple[str, str]:
    """The last words before bytes [begin, end) of UTF-8 and the first after them, up to 60 characters each."""
    before = content[max(begin - SHOWN_BYTES, 0) : begin].decode(errors="ignore")
    after = content[end : end + SHOWN_BYTES].decode(errors="ignore")
    return (
        before if len(before) <= CHARACTERS else before[-CHARACTERS:].partition(" ")[2],
        after if len(after) <= CHARACTERS else after[:CHARACTERS].rpartition(" ")[0],
    )
