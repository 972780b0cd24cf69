module Synchroniser ( // synchronisers.ts:13
  input clk,
  input rst,
  input [3:0] in,
  output [3:0] out
);
  (* ASYNC_REG = "TRUE" *)
  reg [3:0] caught; // synchronisers.ts:26
  (* ASYNC_REG = "TRUE" *)
  reg [3:0] settled_0; // synchronisers.ts:28
  assign out = settled_0; // synchronisers.ts:35
  always @(posedge clk) begin
    caught <= in; // synchronisers.ts:31
    settled_0 <= caught; // synchronisers.ts:33
    if (rst) begin
      caught <= 4'd0;
      settled_0 <= 4'd0;
    end
  end
endmodule

module AsyncFifo ( // async-fifo.ts:17
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
  (* ram_style = "block" *)
  reg [7:0] words [0:7]; // async-fifo.ts:32
  reg [3:0] write_pointer; // async-fifo.ts:34
  reg [3:0] write_gray; // async-fifo.ts:36
  reg [3:0] read_pointer; // async-fifo.ts:38
  reg [3:0] read_gray; // async-fifo.ts:39
  reg word_valid; // async-fifo.ts:41
  reg [7:0] words_word; // async-fifo.ts:62
  wire [3:0] written_out;
  wire [3:0] freed_out;
  wire [3:0] freed_pointer = freed_out ^ {1'b0, freed_out[3:1]}; // async-fifo.ts:49
  assign in_ready = (write_pointer - (freed_pointer ^ {2'd0, freed_pointer[3:2]})) != 4'd8; // async-fifo.ts:51
  assign out_valid = word_valid; // async-fifo.ts:69
  assign out_payload = words_word; // async-fifo.ts:70
  Synchroniser written ( // async-fifo.ts:37
    .clk(to_clk),
    .rst(to_rst),
    .in(write_gray),
    .out(written_out)
  );
  Synchroniser freed ( // async-fifo.ts:40
    .clk(from_clk),
    .rst(from_rst),
    .in(read_gray),
    .out(freed_out)
  );
  wire [3:0] next = read_pointer + 4'd1; // async-fifo.ts:64
  always @(posedge to_clk) begin
    if ((written_out != read_gray) & (~word_valid | out_ready)) begin
      words_word <= words[read_pointer[2:0]]; // async-fifo.ts:62
      read_pointer <= next; // async-fifo.ts:65
      read_gray <= next ^ {1'b0, next[3:1]}; // async-fifo.ts:66
      word_valid <= 1'b1; // async-fifo.ts:67
    end else if (out_ready) begin
      word_valid <= 1'b0; // async-fifo.ts:68
    end
    if (to_rst) begin
      read_pointer <= 4'd0;
      read_gray <= 4'd0;
      word_valid <= 1'b0;
    end
  end
  wire [3:0] next_1 = write_pointer + 4'd1; // async-fifo.ts:53
  always @(posedge from_clk) begin
    if (in_valid & in_ready) begin
      words[write_pointer[2:0]] <= in_payload; // async-fifo.ts:54
      write_pointer <= next_1; // async-fifo.ts:55
      write_gray <= next_1 ^ {1'b0, next_1[3:1]}; // async-fifo.ts:56
    end
    if (from_rst) begin
      write_pointer <= 4'd0;
      write_gray <= 4'd0;
    end
  end
endmodule
