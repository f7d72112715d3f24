# Aliases only: `python make.py TARGET` does the same where there is no make (Windows).
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TARGETS = setup run test coverage lint docs types up down status test-gguf test-s3 test-gpu test-memory test-faults test-operations bench-training bench-generation bench-memory bench-opponents bench-corpora bench-encodings bench-languages bench-neighbours bench-minutes

.PHONY: help $(TARGETS)
help:
	@$(PYTHON) make.py help
$(TARGETS):
	@$(PYTHON) make.py $@ $(ARGS)
