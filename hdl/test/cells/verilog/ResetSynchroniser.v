module ResetSynchroniser ( // synchronisers.ts:123
  input clk,
  input raw_rst,
  output reset
);
  reg [1:0] lasting; // synchronisers.ts:135
  assign reset = lasting[1]; // synchronisers.ts:139
  always @(posedge clk or posedge raw_rst) begin
    if (raw_rst) begin
      lasting <= 2'd3;
    end else begin
      lasting <= {lasting[0], 1'b0}; // synchronisers.ts:138
    end
  end
endmodule
