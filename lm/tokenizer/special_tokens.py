"""The tokens that every vocabulary has, and how many they are. Light: readers of a config load it."""

UNKNOWN_ID = 0  # the token of a character that the tokenizer cannot spell
BOUNDARY_ID = 1  # the token before every document: begin and end of text at once
BOUNDARY_PIECE = "<|endoftext|>"
OWN_SYMBOLS = ("\n", "<")
RESERVED_PIECES = 2 + len(OWN_SYMBOLS) + 256  # unknown, boundary, own symbols, bytes
BYTE_VOCAB_SIZE = RESERVED_PIECES + 1  # and the space
MIN_VOCAB_SIZE = RESERVED_PIECES + 2  # the space and one more character
