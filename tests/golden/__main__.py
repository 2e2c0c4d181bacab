"""`make schemas`: write every generated file; the diff is the review."""

from tests.golden.documents import ROOT, documents


def main() -> None:
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")  # noqa: T201  # a command may print


if __name__ == "__main__":
    main()
