module Synchroniser ( // synchronisers.ts:13
  input clk,
  input rst,
  input in,
  output out
);
  (* ASYNC_REG = "TRUE" *)
  reg caught; // synchronisers.ts:26
  (* ASYNC_REG = "TRUE" *)
  reg settled_0; // synchronisers.ts:28
  assign out = settled_0; // synchronisers.ts:35
  always @(posedge clk) begin
    caught <= in; // synchronisers.ts:31
    settled_0 <= caught; // synchronisers.ts:33
    if (rst) begin
      caught <= 1'b0;
      settled_0 <= 1'b0;
    end
  end
endmodule

module PulseSynchroniser ( // synchronisers.ts:42
  input to_clk,
  input to_rst,
  input from_clk,
  input from_rst,
  input in,
  output out
);
  reg sent; // synchronisers.ts:57
  reg seen; // synchronisers.ts:59
  wire crossing_out;
  assign out = crossing_out != seen; // synchronisers.ts:65
  Synchroniser crossing ( // synchronisers.ts:58
    .clk(to_clk),
    .rst(to_rst),
    .in(sent),
    .out(crossing_out)
  );
  always @(posedge to_clk) begin
    seen <= crossing_out; // synchronisers.ts:64
    if (to_rst) begin
      seen <= 1'b0;
    end
  end
  always @(posedge from_clk) begin
    if (in) begin
      sent <= ~sent; // synchronisers.ts:63
    end
    if (from_rst) begin
      sent <= 1'b0;
    end
  end
endmodule
