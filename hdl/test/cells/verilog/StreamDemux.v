module StreamDemux ( // routing.ts:51
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  input [1:0] select,
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
  assign out_0_valid = (select == 2'd0) & in_valid; // routing.ts:69
  assign out_0_payload = in_payload; // routing.ts:70
  assign out_1_valid = (select == 2'd1) & in_valid; // routing.ts:69
  assign out_1_payload = in_payload; // routing.ts:70
  assign out_2_valid = (select >= 2'd2) & in_valid; // routing.ts:69
  assign out_2_payload = in_payload; // routing.ts:70
  assign in_ready = (select == 2'd0) ? out_0_ready : (select == 2'd1) ? out_1_ready : out_2_ready; // routing.ts:72
endmodule
