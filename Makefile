# Aliases only: `python make.py TARGET` does the same where there is no make (Windows).
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TARGETS = setup run test test-memory bench-memory bench-training bench-corpora bench-encodings test-gguf test-s3 test-gpu bench-generation bench-neighbours test-operations lint types up down status

.PHONY: $(TARGETS)
$(TARGETS):
	@$(PYTHON) make.py $@ $(ARGS)
