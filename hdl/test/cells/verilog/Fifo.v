module Fifo ( // fifo.ts:14
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  (* ram_style = "block" *)
  reg [7:0] words [0:7]; // fifo.ts:26
  reg [3:0] write_pointer; // fifo.ts:28
  reg [3:0] read_pointer; // fifo.ts:29
  reg full; // fifo.ts:30
  reg word_valid; // fifo.ts:31
  reg [7:0] words_word; // fifo.ts:46
  assign in_ready = ~full; // fifo.ts:41
  assign out_valid = word_valid; // fifo.ts:56
  assign out_payload = words_word; // fifo.ts:57
  wire write = in_valid & ~full; // fifo.ts:38
  wire fetch = (write_pointer != read_pointer) & (~word_valid | out_ready); // fifo.ts:39
  always @(posedge clk) begin
    if (write) begin
      words[write_pointer[2:0]] <= in_payload; // fifo.ts:43
      write_pointer <= write_pointer + 4'd1; // fifo.ts:44
    end
    if (fetch) begin
      words_word <= words[read_pointer[2:0]]; // fifo.ts:46
    end
    if (fetch) begin
      read_pointer <= read_pointer + 4'd1; // fifo.ts:48
      word_valid <= 1'b1; // fifo.ts:49
    end else if (out_ready) begin
      word_valid <= 1'b0; // fifo.ts:50
    end
    if (write & ~fetch) begin
      full <= (write_pointer - read_pointer) == 4'd7; // fifo.ts:53
    end else if (fetch & ~write) begin
      full <= 1'b0; // fifo.ts:54
    end
    if (rst) begin
      write_pointer <= 4'd0;
      read_pointer <= 4'd0;
      full <= 1'b0;
      word_valid <= 1'b0;
    end
  end
endmodule
