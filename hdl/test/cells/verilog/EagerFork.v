module EagerFork ( // fork-join.ts:12
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_0_payload,
  output out_0_valid,
  input out_0_ready,
  output [7:0] out_1_payload,
  output out_1_valid,
  input out_1_ready,
  output [7:0] out_2_payload,
  output out_2_valid,
  input out_2_ready
);
  reg [2:0] taken; // fork-join.ts:25
  wire [2:0] served = taken | {out_2_ready, out_1_ready, out_0_ready}; // fork-join.ts:28
  assign in_ready = &served; // fork-join.ts:29
  assign out_0_valid = in_valid & ~taken[0]; // fork-join.ts:31
  assign out_0_payload = in_payload; // fork-join.ts:32
  assign out_1_valid = in_valid & ~taken[1]; // fork-join.ts:31
  assign out_1_payload = in_payload; // fork-join.ts:32
  assign out_2_valid = in_valid & ~taken[2]; // fork-join.ts:31
  assign out_2_payload = in_payload; // fork-join.ts:32
  always @(posedge clk) begin
    if (in_valid) begin
      taken <= (&served) ? 3'd0 : served; // fork-join.ts:34
    end
    if (rst) begin
      taken <= 3'd0;
    end
  end
endmodule
