module Downsizer ( // width-adapters.ts:51
  input clk,
  input rst,
  input [31:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  reg busy; // width-adapters.ts:64
  reg [31:0] rest; // width-adapters.ts:66
  reg [1:0] left; // width-adapters.ts:68
  assign in_ready = ~busy | (out_ready & (~|left)); // width-adapters.ts:74
  assign out_valid = busy; // width-adapters.ts:75
  assign out_payload = rest[7:0]; // width-adapters.ts:76
  always @(posedge clk) begin
    if (in_valid & in_ready) begin
      busy <= 1'b1; // width-adapters.ts:78
      rest <= in_payload; // width-adapters.ts:79
      left <= 2'd3; // width-adapters.ts:80
    end else if (busy & out_ready) begin
      busy <= |left; // width-adapters.ts:82
      rest <= {8'd0, rest[31:8]}; // width-adapters.ts:83
      left <= left - 2'd1; // width-adapters.ts:84
    end
    if (rst) begin
      busy <= 1'b0;
      left <= 2'd0;
    end
  end
endmodule
