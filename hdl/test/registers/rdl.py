"""Compiles a SystemRDL file and prints what it found as JSON."""
import json
import sys

from systemrdl import RDLCompiler
from systemrdl.node import FieldNode, MemNode, RegNode

compiler = RDLCompiler()
compiler.compile_file(sys.argv[1])
top = compiler.elaborate().top
registers, memories = [], []
for node in top.children():
    if isinstance(node, RegNode):
        fields = [
            {
                "name": field.inst_name,
                "low": field.lsb,
                "high": field.msb,
                "sw": field.get_property("sw").name,
                "reset": field.get_property("reset"),
                "onwrite": (field.get_property("onwrite") or type("", (), {"name": None})).name,
                "pulse": field.get_property("singlepulse"),
                "hwclr": bool(field.get_property("hwclr")),
                "told": bool(field.get_property("swacc") or field.get_property("swmod")),
            }
            for field in node.children()
            if isinstance(field, FieldNode)
        ]
        registers.append({"name": node.inst_name, "offset": node.address_offset, "fields": fields})
    elif isinstance(node, MemNode):
        memories.append({"name": node.inst_name, "offset": node.address_offset, "bytes": node.size})
print(json.dumps({"name": top.inst_name, "registers": registers, "memories": memories}))
