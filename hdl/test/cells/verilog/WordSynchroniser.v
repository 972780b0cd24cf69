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

module WordSynchroniser ( // synchronisers.ts:73
  input to_clk,
  input to_rst,
  input from_clk,
  input from_rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  reg [7:0] held; // synchronisers.ts:89
  reg sent; // synchronisers.ts:91
  reg arrived; // synchronisers.ts:94
  reg word_valid; // synchronisers.ts:96
  reg [7:0] word; // synchronisers.ts:97
  wire request_out;
  wire acknowledge_out;
  assign in_ready = acknowledge_out == sent; // synchronisers.ts:103
  assign out_valid = word_valid; // synchronisers.ts:109
  assign out_payload = word; // synchronisers.ts:110
  Synchroniser request ( // synchronisers.ts:92
    .clk(to_clk),
    .rst(to_rst),
    .in(sent),
    .out(request_out)
  );
  Synchroniser acknowledge ( // synchronisers.ts:95
    .clk(from_clk),
    .rst(from_rst),
    .in(arrived),
    .out(acknowledge_out)
  );
  always @(posedge to_clk) begin
    if ((request_out != arrived) & ~word_valid) begin
      word <= held; // synchronisers.ts:112
      word_valid <= 1'b1; // synchronisers.ts:113
      arrived <= request_out; // synchronisers.ts:114
    end else if (out_ready) begin
      word_valid <= 1'b0; // synchronisers.ts:115
    end
    if (to_rst) begin
      arrived <= 1'b0;
      word_valid <= 1'b0;
    end
  end
  always @(posedge from_clk) begin
    if (in_valid & in_ready) begin
      held <= in_payload; // synchronisers.ts:105
      sent <= ~sent; // synchronisers.ts:106
    end
    if (from_rst) begin
      sent <= 1'b0;
    end
  end
endmodule
