module StreamJoin ( // fork-join.ts:67
  input [7:0] in_a_payload,
  input in_a_valid,
  output in_a_ready,
  input [3:0] in_b_payload,
  input in_b_valid,
  output in_b_ready,
  output [7:0] out_a,
  output [3:0] out_b,
  output out_valid,
  input out_ready
);
  assign out_valid = in_a_valid & in_b_valid; // fork-join.ts:83
  assign out_a = in_a_payload; // fork-join.ts:84
  assign out_b = in_b_payload; // fork-join.ts:84
  assign in_a_ready = out_ready & in_b_valid; // fork-join.ts:86
  assign in_b_ready = out_ready & in_a_valid; // fork-join.ts:86
endmodule
