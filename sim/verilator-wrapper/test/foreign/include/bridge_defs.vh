`ifndef BRIDGE_DEFS_VH
`define BRIDGE_DEFS_VH

`define CRC_POLY 8'h07

// Build with +define+CRC_INIT=... for another start value.
`ifndef CRC_INIT
 `define CRC_INIT 8'h00
`endif

`define BIN2GRAY(b) ((b) ^ ((b) >> 1))

`endif
