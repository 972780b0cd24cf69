"""Builds a design and runs its cocotb tests: called by the package with the path of a JSON description."""

import json
import sys

from cocotb_tools.runner import get_runner

with open(sys.argv[1], encoding="utf-8") as file:
    job = json.load(file)

runner = get_runner(job["simulator"])
runner.build(
    sources=job["sources"],
    hdl_toplevel=job["top"],
    build_dir=job["build"],
    always=True,
    timescale=("1ns", "1ps"),
)
runner.test(
    hdl_toplevel=job["top"],
    test_module=job["module"],
    test_dir=job["folder"],
    build_dir=job["build"],
    results_xml=job["results"],
    seed=job["seed"],
)
