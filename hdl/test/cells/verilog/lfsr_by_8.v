module Lfsr ( // lfsr.ts:39
  input clk,
  input rst,
  input en,
  output [22:0] value
);
  reg [22:0] state; // lfsr.ts:49
  assign value = state; // lfsr.ts:60
  always @(posedge clk) begin
    if (en) begin
      state <= {state[2] ^ state[7], state[1] ^ state[6], state[0] ^ state[5], state[4:0], state[22:13],
          state[2] ^ state[7] ^ state[12], state[1] ^ state[6] ^ state[11], state[0] ^ state[5] ^ state[10],
          state[4] ^ state[9], state[3] ^ state[8]}; // lfsr.ts:59
    end
    if (rst) begin
      state <= 23'h12345;
    end
  end
endmodule
