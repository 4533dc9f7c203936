"""Prints the table of one benchmark's result file: [{name, unit, ours, floor, ratio, goal, p99_ms?, rss_mb?, runs}]."""

import json
import pathlib
import sys

COLUMNS = ["name", "unit", "ours", "floor", "ratio", "goal", "p99_ms", "rss_mb", "runs"]


def cell(value):
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return str(len(value))
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main():
    path = pathlib.Path(sys.argv[1])
    if not path.exists():
        sys.exit(f"the benchmark wrote no {path}")
    rows = [COLUMNS, *([cell(row.get(column)) for column in COLUMNS] for row in json.loads(path.read_text()))]
    kept = [index for index in range(len(COLUMNS)) if any(row[index] for row in rows[1:])]
    widths = {index: max(len(row[index]) for row in rows) for index in kept}
    print(f"\n{path.stem}")
    for row in rows:
        print("  ".join(row[index].ljust(widths[index]) if index < 2 else row[index].rjust(widths[index]) for index in kept))


if __name__ == "__main__":
    main()
