module Fifo ( // fifo.ts:13
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready
);
  (* ram_style = "block", no_rw_check *)
  reg [7:0] words [0:7]; // fifo.ts:26
  reg [3:0] write_pointer; // fifo.ts:28
  reg [3:0] read_pointer; // fifo.ts:29
  reg full; // fifo.ts:30
  reg word_valid; // fifo.ts:31
  reg [7:0] words_word; // fifo.ts:44
  assign in_ready = ~full; // fifo.ts:39
  assign out_valid = word_valid; // fifo.ts:54
  assign out_payload = words_word; // fifo.ts:55
  wire write = in_valid & ~full; // fifo.ts:36
  wire fetch = (write_pointer != read_pointer) & (~word_valid | out_ready); // fifo.ts:37
  always @(posedge clk) begin
    if (write) begin
      words[write_pointer[2:0]] <= in_payload; // fifo.ts:41
      write_pointer <= write_pointer + 4'd1; // fifo.ts:42
    end
    if (fetch) begin
      words_word <= words[read_pointer[2:0]]; // fifo.ts:44
      read_pointer <= read_pointer + 4'd1; // fifo.ts:46
      word_valid <= 1'b1; // fifo.ts:47
    end else if (out_ready) begin
      word_valid <= 1'b0; // fifo.ts:48
    end
    if (write & ~fetch) begin
      full <= (write_pointer - read_pointer) == 4'd7; // fifo.ts:51
    end else if (fetch & ~write) begin
      full <= 1'b0; // fifo.ts:52
    end
    if (rst) begin
      write_pointer <= 4'd0;
      read_pointer <= 4'd0;
      full <= 1'b0;
      word_valid <= 1'b0;
    end
  end
endmodule
