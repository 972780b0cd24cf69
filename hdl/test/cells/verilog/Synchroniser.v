module Synchroniser ( // synchronisers.ts:13
  input clk,
  input rst,
  input [3:0] in,
  output [3:0] out
);
  (* ASYNC_REG = "TRUE" *)
  reg [3:0] caught; // synchronisers.ts:26
  (* ASYNC_REG = "TRUE" *)
  reg [3:0] settled_0; // synchronisers.ts:28
  assign out = settled_0; // synchronisers.ts:35
  always @(posedge clk) begin
    caught <= in; // synchronisers.ts:31
    settled_0 <= caught; // synchronisers.ts:33
    if (rst) begin
      caught <= 4'd0;
      settled_0 <= 4'd0;
    end
  end
endmodule
