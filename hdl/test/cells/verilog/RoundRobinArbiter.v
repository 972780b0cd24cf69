module RoundRobinArbiter ( // arbiters.ts:45
  input clk,
  input rst,
  input [7:0] in_0_payload,
  input in_0_valid,
  output in_0_ready,
  input [7:0] in_1_payload,
  input in_1_valid,
  output in_1_ready,
  input [7:0] in_2_payload,
  input in_2_valid,
  output in_2_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  reg [2:0] owner; // arbiters.ts:58
  reg [2:0] served; // arbiters.ts:60
  wire [2:0] valid = {in_2_valid, in_1_valid, in_0_valid}; // arbiters.ts:100
  wire [2:0] waiting = valid & ~served; // arbiters.ts:70
  wire [2:0] next = (|waiting) ? waiting : valid; // arbiters.ts:71
  wire [2:0] out_valid_1 = (|owner) ? owner : next & (3'd0 - next); // arbiters.ts:84
  assign out_valid = |(out_valid_1 & valid); // arbiters.ts:105
  assign out_payload = (out_valid_1[0] ? in_0_payload : 8'd0) | (out_valid_1[1] ? in_1_payload : 8'd0) |
      (out_valid_1[2] ? in_2_payload : 8'd0); // arbiters.ts:106
  assign in_0_ready = out_valid_1[0] & out_ready; // arbiters.ts:113
  assign in_1_ready = out_valid_1[1] & out_ready; // arbiters.ts:113
  assign in_2_ready = out_valid_1[2] & out_ready; // arbiters.ts:113
  always @(posedge clk) begin
    owner <= (out_valid & ~out_ready) ? out_valid_1 : 3'd0; // arbiters.ts:93
    if (out_valid & out_ready) begin
      served <= out_valid_1 | (out_valid_1 - 3'd1); // arbiters.ts:94
    end
    if (rst) begin
      owner <= 3'd0;
      served <= 3'd0;
    end
  end
endmodule
