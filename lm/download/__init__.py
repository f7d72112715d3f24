"""The download stage: finds the sources of a corpus, fetches and pins them."""
