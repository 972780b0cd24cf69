module LazyFork ( // fork-join.ts:43
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
  assign in_ready = out_0_ready & out_1_ready & out_2_ready; // fork-join.ts:58
  assign out_0_valid = in_valid & out_1_ready & out_2_ready; // fork-join.ts:60
  assign out_0_payload = in_payload; // fork-join.ts:61
  assign out_1_valid = in_valid & out_0_ready & out_2_ready; // fork-join.ts:60
  assign out_1_payload = in_payload; // fork-join.ts:61
  assign out_2_valid = in_valid & out_0_ready & out_1_ready; // fork-join.ts:60
  assign out_2_payload = in_payload; // fork-join.ts:61
endmodule
