"""The comparisons of `comparisons.plan`, as many as there is time for, each appended to the results once it is made."""

from dataclasses import replace

from benchmarks.comparisons import plan
from benchmarks.gpu_run.run import Run
from benchmarks.measuring.results import Machine, append, file_of, read
from benchmarks.measuring.side_by_side import first_line
from benchmarks.measuring.tables import printed

LONGEST, SHORTEST = 150, 15  # seconds of a comparison, compilers included


def tables(run: Run) -> None:
    """The comparisons, in order, but for those that are known already."""
    machine = Machine.here(run.commit)
    known = [row for row in kept(run, machine) if machine.knows(row)]
    wanted = plan.dry() if run.dry else plan.on_gpu()
    todo = [one for one in wanted if str(one) not in run.skip and not one.is_among(known, run.device)]
    run.say(f"tables: {len(todo)} comparisons to do, {len(wanted) - len(todo)} are known or failed")
    for number, comparison in enumerate(todo):
        left = run.left() - run.kept_for_training
        if left < SHORTEST:
            run.say(f"tables: no time left for {len(todo) - number} comparisons")
            return
        said: list[str] = []
        without = replace(run, parts=("tables", *run.parts), skip=(*run.skip, str(comparison)))
        run.if_lost(f"tables: {comparison}", without, min(LONGEST, left))
        try:
            rows = comparison.measure(run.device, seconds=0.1 if run.dry else 1, say=said.append)
            append(rows, machine, run.out / "results.csv")
            run.say(printed(rows))
        except Exception as error:  # whatever it is, the other comparisons are worth their time
            said.append(f"all is left out: {type(error).__name__}, {first_line(error)}")
        for line in said:
            run.say(f"tables: {comparison}: {line}")
        if said and run.device.type == "cuda":
            run.go_on_anew(without)


def kept(run: Run, machine: Machine) -> list[dict[str, str]]:
    """Rows of this machine, those of this run included."""
    files = [file for file in (file_of(machine.device), run.out / "results.csv") if file.exists()]
    return [row for file in files for row in read(file)]
