module ResetSynchroniser ( // synchronisers.ts:123
  input clk,
  input raw_rst,
  output reset
);
  (* ASYNC_REG = "TRUE" *)
  reg lasting_0; // synchronisers.ts:135
  (* ASYNC_REG = "TRUE" *)
  reg lasting_1; // synchronisers.ts:135
  assign reset = lasting_1; // synchronisers.ts:141
  always @(posedge clk or posedge raw_rst) begin
    if (raw_rst) begin
      lasting_0 <= 1'b1;
      lasting_1 <= 1'b1;
    end else begin
      lasting_0 <= 1'b0; // synchronisers.ts:139
      lasting_1 <= lasting_0; // synchronisers.ts:139
    end
  end
endmodule
