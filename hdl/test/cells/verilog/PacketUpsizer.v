module PacketUpsizer ( // width-adapters.ts:93
  input clk,
  input rst,
  input [7:0] in_data,
  input [1:0] in_keep,
  input in_last,
  input in_valid,
  output in_ready,
  output [31:0] out_data,
  output [7:0] out_keep,
  output out_last,
  output out_valid,
  input out_ready
);
  reg word_valid; // width-adapters.ts:112
  reg [31:0] word_data; // width-adapters.ts:113
  reg [7:0] word_keep; // width-adapters.ts:113
  reg word_last; // width-adapters.ts:113
  reg [1:0] part; // width-adapters.ts:115
  assign in_ready = ~word_valid | out_ready; // width-adapters.ts:122
  assign out_valid = word_valid; // width-adapters.ts:123
  assign out_data = word_data; // width-adapters.ts:124
  assign out_keep = word_keep; // width-adapters.ts:124
  assign out_last = word_last; // width-adapters.ts:124
  wire complete = in_last | (part == 2'd3); // width-adapters.ts:121
  always @(posedge clk) begin
    if (in_ready) begin
      word_valid <= in_valid & complete; // width-adapters.ts:125
    end
    if (in_valid & in_ready) begin
      word_data[{part, 3'd0} +: 8] <= in_data; // width-adapters.ts:127
      if (~|part) begin
        word_keep <= {6'd0, in_keep}; // width-adapters.ts:128
      end else begin
        word_keep[{part, 1'b0} +: 2] <= in_keep; // width-adapters.ts:129
      end
      word_last <= in_last; // width-adapters.ts:131
      part <= complete ? 2'd0 : part + 2'd1; // width-adapters.ts:132
    end
    if (rst) begin
      word_valid <= 1'b0;
      part <= 2'd0;
    end
  end
endmodule
