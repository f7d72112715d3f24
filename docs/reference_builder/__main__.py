"""`make docs` writes the generated pages, `make docs ARGS=--check` names those that are not what the code says."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from docs.reference_builder.pages import generated

PROJECT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None, project: Path = PROJECT) -> int:
    """Write the pages, or check them; returns the exit code, 1 where a page is stale."""
    parser = ArgumentParser("make docs", description="Write the pages that are made from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a page is stale")
    check = parser.parse_args(arguments).check
    stale = {path: text for path, text in generated(project).items() if _content(path) != text}
    for path, text in stale.items():
        name = path.relative_to(project).as_posix()
        if check:
            print(f"{name} is not what the code says: run `make docs`", file=sys.stderr)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote {name}")
    return int(check and bool(stale))


def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
