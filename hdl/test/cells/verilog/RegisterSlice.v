module RegisterSlice ( // register-slice.ts:11
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  reg word_valid; // register-slice.ts:23
  reg [7:0] word; // register-slice.ts:24
  reg held_valid; // register-slice.ts:25
  reg [7:0] held_word; // register-slice.ts:26
  assign in_ready = ~held_valid; // register-slice.ts:29
  assign out_valid = word_valid; // register-slice.ts:30
  assign out_payload = word; // register-slice.ts:31
  always @(posedge clk) begin
    if (out_ready | ~word_valid) begin
      word_valid <= in_valid | held_valid; // register-slice.ts:34
      if (held_valid) begin
        word <= held_word; // register-slice.ts:35
      end else begin
        word <= in_payload; // register-slice.ts:35
      end
      held_valid <= 1'b0; // register-slice.ts:36
    end else if (in_valid & in_ready) begin
      held_valid <= 1'b1; // register-slice.ts:38
      held_word <= in_payload; // register-slice.ts:39
    end
    if (rst) begin
      word_valid <= 1'b0;
      held_valid <= 1'b0;
    end
  end
endmodule
