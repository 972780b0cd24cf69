module PacketFifo ( // packet-fifo.ts:15
  input clk,
  input rst,
  input [7:0] in_data,
  input in_last,
  input in_valid,
  output in_ready,
  input discard,
  output [7:0] out_data,
  output out_last,
  output out_valid,
  input out_ready,
  output dropped
);
  (* ram_style = "block", no_rw_check *)
  reg [8:0] words [0:7]; // packet-fifo.ts:32
  reg [3:0] write_pointer; // packet-fifo.ts:34
  reg [3:0] commit_pointer; // packet-fifo.ts:36
  reg [3:0] read_pointer; // packet-fifo.ts:37
  reg word_valid; // packet-fifo.ts:38
  reg too_long; // packet-fifo.ts:40
  reg was_dropped; // packet-fifo.ts:41
  reg [8:0] words_word; // packet-fifo.ts:65
  wire full = (write_pointer - read_pointer) == 4'd8; // packet-fifo.ts:46
  assign in_ready = ~full | too_long; // packet-fifo.ts:53
  assign dropped = was_dropped; // packet-fifo.ts:63
  assign out_valid = word_valid; // packet-fifo.ts:70
  assign out_data = words_word[8:1]; // packet-fifo.ts:71
  assign out_last = words_word[0]; // packet-fifo.ts:71
  wire push = in_valid & in_ready; // packet-fifo.ts:49
  wire last = push & in_last; // packet-fifo.ts:50
  wire drop = last & (discard | too_long); // packet-fifo.ts:51
  wire [3:0] next = write_pointer + 4'd1; // packet-fifo.ts:55
  wire committed = commit_pointer != read_pointer; // packet-fifo.ts:47
  always @(posedge clk) begin
    if (drop) begin
      write_pointer <= commit_pointer; // packet-fifo.ts:54
    end else if (push & ~too_long) begin
      words[write_pointer[2:0]] <= {in_data, in_last}; // packet-fifo.ts:56
      write_pointer <= next; // packet-fifo.ts:57
      if (last) begin
        commit_pointer <= next; // packet-fifo.ts:58
      end
    end
    if (last) begin
      too_long <= 1'b0; // packet-fifo.ts:61
    end else if (full & ~committed) begin
      too_long <= 1'b1; // packet-fifo.ts:61
    end
    was_dropped <= drop; // packet-fifo.ts:62
    if (committed & (~word_valid | out_ready)) begin
      words_word <= words[read_pointer[2:0]]; // packet-fifo.ts:65
      read_pointer <= read_pointer + 4'd1; // packet-fifo.ts:67
      word_valid <= 1'b1; // packet-fifo.ts:68
    end else if (out_ready) begin
      word_valid <= 1'b0; // packet-fifo.ts:69
    end
    if (rst) begin
      write_pointer <= 4'd0;
      commit_pointer <= 4'd0;
      read_pointer <= 4'd0;
      word_valid <= 1'b0;
      too_long <= 1'b0;
      was_dropped <= 1'b0;
    end
  end
endmodule
