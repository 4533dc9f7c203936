"""Turns the profiles of one scripts/test run into a table of lines per crate; called by scripts/coverage.

Arguments: the folder with the profiles and cargo's list of what it built, and the least percentage of lines to accept.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
from rust_source import ROOT, production_files, test_lines


def objects(folder):
    """The programs that cargo built in this run, and no older one: tests, and what tests start."""
    found = []
    for line in (folder / "artifacts.json").read_text().splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            found.append(message["executable"])
    return found


def line_counts(folder):
    """How often each line ran, by file: {path: {line: count}}."""
    merged = folder / "merged.profdata"
    listed = folder / "profiles.txt"
    listed.write_text("\n".join(str(path) for path in folder.glob("*.profraw")))
    # A process that a test killed while it wrote leaves a torn profile, which is left out with a warning.
    merge = [os.environ["LLVM_PROFDATA"], "merge", "-sparse", "-failure-mode=all", f"-input-files={listed}", "-o", str(merged)]
    subprocess.run(merge, check=True)
    programs = objects(folder)
    command = [os.environ["LLVM_COV"], "export", "-format=lcov", f"-instr-profile={merged}", programs[0]]
    for program in programs[1:]:
        command += ["-object", program]
    exported = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    counts, current = collections.defaultdict(dict), None
    for line in exported.splitlines():
        kind, _, value = line.partition(":")
        if kind == "SF":
            current = counts[pathlib.Path(value)]
        elif kind == "DA":
            number, count = value.split(",")[:2]
            current[int(number)] = max(int(count), current.get(int(number), 0))
    return counts


def main():
    folder, limit = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    counts = line_counts(folder)
    crates = collections.defaultdict(lambda: [0, 0])
    worst = []
    for path in production_files():
        relative = path.relative_to(ROOT)
        crate = relative.parts[0] if relative.parts[0] == "migrations" else "/".join(relative.parts[:2])
        if crate == "crates/testkit" or path not in counts:
            continue
        tests = test_lines(path.read_text())
        lines = {line: count for line, count in counts[path].items() if line not in tests}
        covered = sum(1 for count in lines.values() if count)
        crates[crate][0] += covered
        crates[crate][1] += len(lines)
        worst.append((len(lines) - covered, str(relative)))
    total = [sum(column) for column in zip(*crates.values())] or [0, 0]
    print(f"\n{'lines of':<28} {'covered':>8} {'of':>7} {'%':>7}")
    for crate, (covered, lines) in [*sorted(crates.items()), ("total", total)]:
        print(f"{crate:<28} {covered:>8} {lines:>7} {100 * covered / max(lines, 1):>7.2f}")
    print("\nmost uncovered lines: " + ", ".join(f"{name} {missed}" for missed, name in sorted(worst, reverse=True)[:8] if missed))
    percent = 100 * total[0] / max(total[1], 1)
    if percent < limit:
        print(f"line coverage is {percent:.2f} %, less than {limit:.0f} %", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
