module PacketArbiter ( // packet-arbiter.ts:13
  input clk,
  input rst,
  input [7:0] in_0_data,
  input in_0_last,
  input in_0_valid,
  output in_0_ready,
  input [7:0] in_1_data,
  input in_1_last,
  input in_1_valid,
  output in_1_ready,
  input [7:0] in_2_data,
  input in_2_last,
  input in_2_valid,
  output in_2_ready,
  output [7:0] out_data,
  output out_last,
  output out_valid,
  input out_ready
);
  reg [2:0] served; // packet-arbiter.ts:26
  reg [2:0] owner; // packet-arbiter.ts:28
  wire free = ~|owner; // packet-arbiter.ts:37
  wire waiting_0 = in_0_valid & ~served[0]; // packet-arbiter.ts:33
  wire waiting_1 = in_1_valid & ~served[1]; // packet-arbiter.ts:33
  wire waiting_2 = in_2_valid & ~served[2]; // packet-arbiter.ts:33
  wire wrap = ~(waiting_0 | waiting_1 | waiting_2); // packet-arbiter.ts:34
  wire grant_0 = (free & (waiting_0 | (wrap & in_0_valid))) | owner[0]; // packet-arbiter.ts:38
  wire grant_1 = (free & ((waiting_1 & ~waiting_0) | (wrap & in_1_valid & ~in_0_valid))) | owner[1]; // packet-arbiter.ts:38
  wire grant_2 = (free & ((waiting_2 & ~(waiting_0 | waiting_1)) |
      (wrap & in_2_valid & ~(in_0_valid | in_1_valid)))) | owner[2]; // packet-arbiter.ts:38
  assign out_valid = (grant_0 & in_0_valid) | (grant_1 & in_1_valid) | (grant_2 & in_2_valid); // packet-arbiter.ts:40
  assign out_data = (grant_0 ? in_0_data : 8'd0) | (grant_1 ? in_1_data : 8'd0) |
      (grant_2 ? in_2_data : 8'd0); // packet-arbiter.ts:45
  wire word = (grant_0 & in_0_last) | (grant_1 & in_1_last) | (grant_2 & in_2_last); // packet-arbiter.ts:41
  assign out_last = word; // packet-arbiter.ts:45
  assign in_0_ready = grant_0 & out_ready; // packet-arbiter.ts:47
  assign in_1_ready = grant_1 & out_ready; // packet-arbiter.ts:47
  assign in_2_ready = grant_2 & out_ready; // packet-arbiter.ts:47
  always @(posedge clk) begin
    if (out_valid) begin
      owner <= {grant_2, grant_1, grant_0}; // packet-arbiter.ts:51
      if (out_ready & word) begin
        owner <= 3'd0; // packet-arbiter.ts:53
        served <= {grant_2, grant_1 | grant_2, grant_0 | grant_1 | grant_2}; // packet-arbiter.ts:54
      end
    end
    if (rst) begin
      served <= 3'd0;
      owner <= 3'd0;
    end
  end
endmodule
