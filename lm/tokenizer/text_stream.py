"""Text from tokens as they come, whole characters at a time."""

import codecs
from collections.abc import Sequence

from lm.tokenizer.tokenizer import ESCAPE, Tokenizer


class TextStream:
    """Turns tokens into text; what may be the beginning of a character waits for its end.

    All that `add` and `rest` return, put together, is what the tokenizer makes of all tokens at once.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._waiting: list[int] = []

    def add(self, token: int) -> str:
        """Take in a token; return the text that is certain now, often none."""
        self._waiting.append(token)
        certain = len(self._waiting) - self._unfinished()
        text = self._tokenizer.decode(self._waiting[:certain])
        if text.endswith(ESCAPE):
            return ""
        del self._waiting[:certain]
        return text

    def rest(self) -> str:
        """The text of what still waits when no token follows."""
        text = self._tokenizer.decode(self._waiting)
        self._waiting = []
        return text

    def _unfinished(self) -> int:
        """How many tokens at the end are the first bytes of a character that is not there whole."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for token in self._waiting:
            byte = self._tokenizer.byte(token)
            if byte is None:
                decoder.reset()
            else:
                decoder.decode(bytes([byte]))
        return len(decoder.getstate()[0])


class StoppingText:
    """Text from tokens as they come, up to the first of some stop strings, which is left out.

    What may be the beginning of a stop string waits until that is known.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str]) -> None:
        self.stopped = False
        self._stream, self._stops, self._held = TextStream(tokenizer), stops, ""

    def add(self, token: int) -> str:
        """Take in a token; return the text that is certain now, often none. Look at `stopped` after it."""
        return self._release(self._stream.add(token))

    def rest(self) -> str:
        """The text of what still waits when no token follows."""
        text = self._release(self._stream.rest()) + self._held
        self._held = ""
        return text

    def _release(self, text: str) -> str:
        self._held += text
        places = [place for place in map(self._held.find, self._stops) if place >= 0]
        self.stopped = bool(places)
        if places:
            free, self._held = min(places), self._held[: min(places)]
        else:
            free = len(self._held) - max(map(self._begun, self._stops), default=0)
        text, self._held = self._held[:free], self._held[free:]
        return text

    def _begun(self, stop: str) -> int:
        """How many characters at the end of what is held may begin a stop string."""
        lengths = range(min(len(stop) - 1, len(self._held)), 0, -1)
        return next((length for length in lengths if self._held.endswith(stop[:length])), 0)
