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
  reg [2:0] owner; // arbiters.ts:60
  reg [2:0] served; // arbiters.ts:62
  wire [2:0] valid = {in_2_valid, in_1_valid, in_0_valid}; // arbiters.ts:102
  wire [2:0] waiting = valid & ~served; // arbiters.ts:69
  wire [2:0] next = (|waiting) ? waiting : valid; // arbiters.ts:70
  wire [2:0] grant = (|owner) ? owner : next & -next; // arbiters.ts:73
  assign out_valid = |(grant & valid); // arbiters.ts:107
  assign out_payload = (grant[0] ? in_0_payload : 8'd0) | (grant[1] ? in_1_payload : 8'd0) |
      (grant[2] ? in_2_payload : 8'd0); // arbiters.ts:108
  assign in_0_ready = grant[0] & out_ready; // arbiters.ts:115
  assign in_1_ready = grant[1] & out_ready; // arbiters.ts:115
  assign in_2_ready = grant[2] & out_ready; // arbiters.ts:115
  always @(posedge clk) begin
    owner <= (out_valid & ~out_ready) ? grant : 3'd0; // arbiters.ts:75
    if (out_valid & out_ready) begin
      served <= grant | (grant - 3'd1); // arbiters.ts:77
    end
    if (rst) begin
      owner <= 3'd0;
      served <= 3'd0;
    end
  end
endmodule
