`include "bridge_defs.vh"

module crc8
  (input            clk, rst_n, en,
   input      [7:0] data,
   output reg [7:0] crc);

   function [7:0] step;
      input [7:0] c;
      input [7:0] d;
      integer i;
      begin
         step = c ^ d;
         for (i = 0; i < 8; i = i + 1)
           step = step[7] ? (step << 1) ^ `CRC_POLY : step << 1;
      end
   endfunction

   always @(posedge clk or negedge rst_n)
     if (!rst_n)  crc <= `CRC_INIT;
     else if (en) crc <= step(crc, data);

endmodule
