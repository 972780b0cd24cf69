module StreamMux ( // routing.ts:12
  input [7:0] in_0_payload,
  input in_0_valid,
  output in_0_ready,
  input [7:0] in_1_payload,
  input in_1_valid,
  output in_1_ready,
  input [7:0] in_2_payload,
  input in_2_valid,
  output in_2_ready,
  input [1:0] select,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  assign out_valid = (select == 2'd0) ? in_0_valid : (select == 2'd1) ? in_1_valid : in_2_valid; // routing.ts:29
  assign out_payload = (select == 2'd0) ? in_0_payload : (select == 2'd1) ? in_1_payload : in_2_payload; // routing.ts:35
  assign in_0_ready = (select == 2'd0) & out_ready; // routing.ts:42
  assign in_1_ready = (select == 2'd1) & out_ready; // routing.ts:42
  assign in_2_ready = (select >= 2'd2) & out_ready; // routing.ts:42
endmodule
