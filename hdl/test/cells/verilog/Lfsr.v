module Lfsr ( // lfsr.ts:39
  input clk,
  input rst,
  input en,
  output [15:0] value
);
  reg [15:0] state; // lfsr.ts:49
  assign value = state; // lfsr.ts:60
  always @(posedge clk) begin
    if (en) begin
      state <= {1'b0, state[15:1]} ^ (state[0] ? 16'h8016 : 16'd0); // lfsr.ts:59
    end
    if (rst) begin
      state <= 16'd1;
    end
  end
endmodule
