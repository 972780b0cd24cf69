module Crc ( // crc.ts:93
  input clk,
  input rst,
  input word,
  input first,
  input [31:0] data,
  output [31:0] result
);
  reg [31:0] state; // crc.ts:107
  wire [31:0] reflected = {state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7],
      state[8], state[9], state[10], state[11], state[12], state[13], state[14], state[15], state[16],
      state[17], state[18], state[19], state[20], state[21], state[22], state[23], state[24], state[25],
      state[26], state[27], state[28], state[29], state[30], state[31]}; // crc.ts:88
  assign result = reflected ^ 32'hffffffff; // crc.ts:114
  wire [63:0] message = {data, first ? 32'hffffffff : state}; // crc.ts:73
  wire [31:0] next = {^(message & 64'h4d101dffb808b20), ^(message & 64'h9a203be7dc04590),
      ^(message & 64'h1344077dbee022c8), ^(message & 64'h26880efa5f701164),
      ^(message & 64'h4d101df42fb808b2), ^(message & 64'h9a203be997dc0459),
      ^(message & 64'h3091760db06e890c), ^(message & 64'h6122ec1a58374486),
      ^(message & 64'hc245d835ac1ba243), ^(message & 64'h805ab1b5ad8d5a01), ^(message & 64'h46462b5ad462620),
      ^(message & 64'h8c8c56a56a31310), ^(message & 64'h11918ad42b518988), ^(message & 64'h232315a995a8c4c4),
      ^(message & 64'h46462b53cad46262), ^(message & 64'h8c8c56a6656a3131),
      ^(message & 64'h1dc9ac92493593b8), ^(message & 64'h3b935924249ac9dc),
      ^(message & 64'h7726b249924d64ee), ^(message & 64'hee4d6493c926b277),
      ^(message & 64'hd84bc8f99f13d21b), ^(message & 64'hb446902db409622d),
      ^(message & 64'h6c5c218421843a36), ^(message & 64'hd8b8430990c21d1b),
      ^(message & 64'hb5a187cc33e185ad), ^(message & 64'h6f920e46627049f6),
      ^(message & 64'hdf241c8c313824fb), ^(message & 64'hba9938c7e31c995d),
      ^(message & 64'h71e370518a0ec78e), ^(message & 64'he3c6e0a3c50763c7),
      ^(message & 64'hc35cc09819033ac3), ^(message & 64'h826880eff7011641)}; // linear.ts:14
  always @(posedge clk) begin
    if (word) begin
      state <= next; // crc.ts:113
    end
    if (rst) begin
      state <= 32'hffffffff;
    end
  end
endmodule
