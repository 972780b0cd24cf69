module Upsizer ( // width-adapters.ts:15
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [31:0] out_payload,
  output out_valid,
  input out_ready
);
  reg word_valid; // width-adapters.ts:28
  reg [31:0] word; // width-adapters.ts:29
  reg [1:0] part; // width-adapters.ts:31
  assign in_ready = ~word_valid | out_ready; // width-adapters.ts:36
  assign out_valid = word_valid; // width-adapters.ts:37
  assign out_payload = word; // width-adapters.ts:38
  always @(posedge clk) begin
    if (in_ready) begin
      word_valid <= in_valid & (part == 2'd3); // width-adapters.ts:39
    end
    if (in_valid & in_ready) begin
      word[{part, 3'd0} +: 8] <= in_payload; // width-adapters.ts:41
      part <= part + 2'd1; // width-adapters.ts:42
    end
    if (rst) begin
      word_valid <= 1'b0;
      part <= 2'd0;
    end
  end
endmodule
