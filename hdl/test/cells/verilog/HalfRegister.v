module HalfRegister ( // pipes.ts:72
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  reg word_valid; // pipes.ts:84
  reg [7:0] word; // pipes.ts:85
  assign in_ready = ~word_valid; // pipes.ts:88
  assign out_valid = word_valid; // pipes.ts:89
  assign out_payload = word; // pipes.ts:90
  always @(posedge clk) begin
    if (in_valid & in_ready) begin
      word_valid <= 1'b1; // pipes.ts:92
      word <= in_payload; // pipes.ts:93
    end else if (out_ready) begin
      word_valid <= 1'b0; // pipes.ts:94
    end
    if (rst) begin
      word_valid <= 1'b0;
    end
  end
endmodule
