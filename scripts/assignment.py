"""Make assignments from the chapters' exercises, and grade what is handed in.

    python scripts/assignment.py create 05                    # _build/assignments/release/…
    python scripts/assignment.py grade 05 --from handed_in/   # a notebook for each student

Grading runs the students' code on this machine: use an account that has nothing to lose.
"""

import argparse
import csv
import sys
from pathlib import Path

from book.assignments import COURSE, AssignmentError, chapters, create, grade
from book.files import ROOT


def print_points(points: dict[str, dict[str, float]], name: str) -> None:
    """A line for each student, and a table for a spreadsheet beside the course folder."""
    exercises = sorted({each for row in points.values() for each in row}, key=number)
    for student, row in points.items():
        missed = [each for each in exercises if not row.get(each)]
        line = f"{student}：{sum(row.values()):g} / {len(exercises)} 分"
        print(line + (f"，没有通过 {'、'.join(missed)}" if missed else ""))
    table = COURSE / f"{name}.csv"
    with table.open("w", encoding="utf-8-sig", newline="") as file:  # so that Excel reads it
        writer = csv.writer(file)
        writer.writerow(["学生", *exercises, "合计"])
        for student, row in points.items():
            scores = [row.get(each, 0.0) for each in exercises]
            writer.writerow([student, *scores, sum(scores)])
    print(f"✓ 分数表：{table.relative_to(ROOT)}")


def number(exercise: str) -> tuple[int, int]:
    """05-10 comes after 05-9."""
    chapter, place = exercise.split("-")
    return int(chapter), int(place)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["create", "grade"])
    parser.add_argument("chapter", nargs="*", help="beginnings of chapters' names, such as 05")
    parser.add_argument("--from", dest="handed_in", type=Path, help="folder with the hand-ins")
    options = parser.parse_intermixed_args(arguments)  # chapters after --from too
    try:
        paths = chapters(options.chapter)
        if options.action == "create":
            for path in create(paths):
                print(f"✓ {path.relative_to(ROOT)}")
            return
        if not options.chapter or not options.handed_in:
            raise AssignmentError(
                "grading takes one chapter and a folder: make grade CHAPTER=05 FROM=folder"
            )
        if len(paths) > 1:
            names = [path.stem for path in paths]
            raise AssignmentError(
                f"grading takes one notebook, and {' '.join(options.chapter)} begins "
                f"{' and '.join(names)}: make grade CHAPTER={names[0]} FROM=folder"
            )
        print_points(grade(paths[0], options.handed_in), paths[0].stem)
    except AssignmentError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
