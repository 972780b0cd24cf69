module ForwardRegister ( // pipes.ts:12
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  reg word_valid; // pipes.ts:24
  reg [7:0] word; // pipes.ts:25
  assign in_ready = ~word_valid | out_ready; // pipes.ts:28
  assign out_valid = word_valid; // pipes.ts:29
  assign out_payload = word; // pipes.ts:30
  always @(posedge clk) begin
    if (in_ready) begin
      word_valid <= in_valid; // pipes.ts:32
      word <= in_payload; // pipes.ts:33
    end
    if (rst) begin
      word_valid <= 1'b0;
    end
  end
endmodule
