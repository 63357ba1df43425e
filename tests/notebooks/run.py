"""Runs notebooks from their first cell to their last, each on a fresh kernel, and looks at what they show.

    python tests/notebooks/run.py [--keep] [--kernel NAME] NOTEBOOK...

A notebook fails if a cell prints an error or panics, if a cell that should show a picture shows none or a blank one, or if its training took no time.
With --keep the outputs are written into the notebooks. `cargo xtask notebooks --test` and `--run` call this.
"""

import argparse
import base64
import io
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from PIL import Image

# The first cell may compile everything; no other takes longer than a minute on a slow machine, so this one hangs.
TIMEOUT = 1200
# A cell that calls one of these trains. All such cells of a notebook together take a while, however fast the machine.
TRAINS = re.compile(r"\b(train_on|trial)\(")
SHORTEST = 3.0
# A cell that ends with one of these shows a picture.
PICTURES = re.compile(r"^(sheet|curves)\(.*[^;]$|^Picture::|\.draw\(\)\)$")


def run(path, kernel, keep):
    """Runs one notebook; gives what is wrong with it, one line each."""
    notebook = nbformat.read(path, as_version=4)
    root = str(Path.cwd())
    times = {}
    begun = {}
    client = NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=TIMEOUT,
        startup_timeout=120,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=lambda cell, cell_index: begun.update({cell.id: time.monotonic()}),
        on_cell_executed=lambda cell, cell_index, execute_reply: times.update(
            {cell.id: time.monotonic() - begun[cell.id]}
        ),
    )
    start = time.monotonic()
    problems = []
    try:
        client.execute()
    except CellExecutionError:
        pass  # It stands in the cell's output too, without the whole cell before it.
    except CellTimeoutError as error:
        problems.append(str(error).strip())
    seconds = time.monotonic() - start
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = 0
    problems += [problem for cell in cells for problem in errors_of(cell)]
    stopped = bool(problems)
    for cell in cells:
        tidy(cell, root)
        if not stopped:
            problems += [f"cell {cell.id!r}: {problem}" for problem in problems_of(cell)]
        shown += sum("image/png" in output.get("data", {}) for output in cell.outputs)
    training = sum(times.get(cell.id, 0) for cell in cells if TRAINS.search(cell.source))
    if training < SHORTEST and not stopped:
        problems.append(f"the cells that train took {training:.1f} seconds together")
    if shown == 0 and not stopped:
        problems.append("not one picture")
    first = cells[0].id
    slowest = max((id for id in times if id != first), key=times.get, default=first)
    print(
        f"{path.name}: {len(cells)} cells in {seconds:.0f} s, the first in {times.get(first, 0):.0f} s, "
        f"the slowest of the others ({slowest}) in {times.get(slowest, 0):.0f} s; training {training:.0f} s; {shown} pictures",
        flush=True,
    )
    if keep and not problems:
        # As `cargo xtask notebooks` has it: what a kernel adds about itself stays out.
        notebook.metadata.language_info = nbformat.read(path, as_version=4).metadata.language_info
        nbformat.write(notebook, path)
    return problems


def tidy(cell, root):
    """Joins what was printed line by line, and takes out what only this machine has: the project's folder."""
    joined = []
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = output.text.replace(root, "…").rstrip("\n") + "\n"
            if joined and joined[-1].get("name") == output.name:
                joined[-1].text += output.text
                continue
        joined.append(output)
    cell.outputs = joined


def errors_of(cell):
    """What the compiler refused, and panics, which Jupyter does not take for errors."""
    for output in cell.outputs:
        if output.output_type == "stream" and "panicked at" in output.text:
            yield f"cell {cell.id!r}: {output.text.strip()}"
        if output.output_type == "error":
            lines = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
            yield f"cell {cell.id!r}: {lines}"


def problems_of(cell):
    source = cell.source.strip()
    last = source.splitlines()[-1] if source else ""
    pictures = [output.data for output in cell.outputs if "data" in output]
    pictures = [data for data in pictures if "image/png" in data or "image/svg+xml" in data]
    if PICTURES.search(last) and not pictures:
        yield "shows no picture"
    for data in pictures:
        if "image/png" in data:
            levels = levels_of(data)
            # An untrained generator's sheet is grey, but not all of one grey.
            least = 60 if TRAINS.search(cell.source) else 2
            if levels < least:
                yield f"the picture is blank: {levels} levels of grey, where {least} were expected"
        elif len(re.findall(r"<(polyline|path|circle|line)\b", "".join(data["image/svg+xml"]))) < 3:
            yield "the drawing is empty"


def levels_of(data):
    """How many levels of grey a picture has, beside white, which is what lies between the images of a sheet."""
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("L")
    return sum(1 for count in image.histogram()[:255] if count)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write the outputs into the notebooks")
    parser.add_argument("--kernel", required=True, help="Jupyter's name of the kernel")
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    args = parser.parse_args()
    failed = False
    for path in args.notebooks:
        for problem in run(path, args.kernel, args.keep):
            failed = True
            print(f"{path}: {problem}", file=sys.stderr, flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
