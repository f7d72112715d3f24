"""What llama.cpp makes of a GGUF file: token ids of texts, and the nats of documents. Runs where llama-cpp-python is.

Reads a JSON request from standard input, `{"file": …, "texts": […], "documents": [[id, …], …]}`, and prints
`{"ids": […], "round_trips": […], "nats": […], "seconds_per_token": …}`.
"""

import json
import sys
import time

import numpy as np
from llama_cpp import Llama


def main() -> None:
    request = json.load(sys.stdin)
    model = Llama(request["file"], n_ctx=0, logits_all=True, n_threads=1, n_threads_batch=1, verbose=False)
    ids = [model.tokenize(text.encode(), add_bos=False, special=False) for text in request["texts"]]
    answer = {
        "ids": ids,
        "round_trips": [model.detokenize(one).decode(errors="replace") for one in ids],
        "nats": [nats(model, document) for document in request["documents"]],
        "seconds_per_token": seconds_per_token(model, request.get("speed_tokens", 0)),
    }
    json.dump(answer, sys.stdout)


def nats(model: Llama, document: list[int]) -> float:
    """-ln p of a document after the boundary token, all of it within the context."""
    model.reset()
    model.eval([model.token_bos(), *document])
    logits = np.asarray(model.scores[: len(document)], np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(document)), document].sum())


def seconds_per_token(model: Llama, tokens: int) -> float | None:
    """Of writing, one token after the other."""
    if not tokens:
        return None
    model.reset()
    model.eval([model.token_bos()])
    started = time.perf_counter()
    for _ in range(tokens):
        model.eval([model.sample(temp=0.8, top_p=0.95)])
    return (time.perf_counter() - started) / tokens


if __name__ == "__main__":
    main()
