module SkidBuffer ( // pipes.ts:42
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  reg held; // pipes.ts:54
  reg [7:0] held_word; // pipes.ts:55
  assign in_ready = ~held; // pipes.ts:58
  assign out_valid = in_valid | held; // pipes.ts:59
  assign out_payload = held ? held_word : in_payload; // pipes.ts:60
  always @(posedge clk) begin
    if (out_ready) begin
      held <= 1'b0; // pipes.ts:61
    end else if (in_valid & in_ready) begin
      held <= 1'b1; // pipes.ts:62
      held_word <= in_payload; // pipes.ts:63
    end
    if (rst) begin
      held <= 1'b0;
    end
  end
endmodule
