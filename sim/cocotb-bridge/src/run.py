"""Builds a simulation of a design, runs its cocotb tests, or lists them: called by the package with the path of a JSON description."""

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path


def build(job):
    from cocotb_tools.runner import VerilatorControlFile, get_runner

    # Verilator's run-time library is the same for all designs: what one build compiled of it, the next ones take.
    runtime = Path(job["runtime"])
    runtime.mkdir(parents=True, exist_ok=True)
    known = {path.name for path in runtime.glob("*.o")}
    for name in known:
        shutil.copy(runtime / name, job["build"])
    sources = job["sources"] + [VerilatorControlFile(path) for path in job["controls"]]
    get_runner(job["simulator"]).build(
        sources=sources,
        hdl_toplevel=job["top"],
        build_dir=job["build"],
        build_args=job["arguments"],
        always=True,
        timescale=("1ns", "1ps"),
        waves=job["waves"],
    )
    for path in Path(job["build"]).glob("verilated*.o"):
        if path.name not in known:
            staging = runtime / f"{path.name}.{Path(job['build']).name}"
            shutil.copy(path, staging)
            staging.rename(runtime / path.name)


def test(job):
    from cocotb_tools.runner import get_runner

    get_runner(job["simulator"]).test(
        hdl_toplevel=job["top"],
        hdl_toplevel_lang="verilog",
        test_module=job["module"],
        test_dir=job["folder"],
        build_dir=job["build"],
        results_xml=job["results"],
        seed=job["seed"],
        plusargs=job["plusargs"],
        test_filter=job["filter"],
        waves=job["waves"],
    )


def names(job):
    """Prints the names of the tests as JSON on the last line."""
    from cocotb._decorators import Test, TestGenerator

    found = []
    for each in vars(import_module(job["module"])).values():
        made = [each] if isinstance(each, Test) else each.generate_tests() if isinstance(each, TestGenerator) else []
        found += [test.name for test in made if not test.skip]
    print(json.dumps(found))


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as file:
        {"build": build, "test": test, "names": names}[sys.argv[1]](json.load(file))
