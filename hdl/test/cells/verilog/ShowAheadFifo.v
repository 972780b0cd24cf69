module ShowAheadFifo ( // show-ahead-fifo.ts:15
  input clk,
  input rst,
  input [7:0] in_payload,
  input in_valid,
  output in_ready,
  output [7:0] out_payload,
  output out_valid,
  input out_ready,
  output [2:0] count
);
  (* ram_style = "distributed" *)
  reg [7:0] words [0:7]; // show-ahead-fifo.ts:31
  reg [2:0] write_address; // show-ahead-fifo.ts:32
  reg [2:0] read_address; // show-ahead-fifo.ts:33
  reg [2:0] used; // show-ahead-fifo.ts:34
  assign in_ready = used != 3'd5; // show-ahead-fifo.ts:40
  assign out_valid = |used; // show-ahead-fifo.ts:41
  assign out_payload = words[read_address]; // show-ahead-fifo.ts:42
  assign count = used; // show-ahead-fifo.ts:43
  wire push = in_valid & in_ready; // show-ahead-fifo.ts:38
  wire pop = out_valid & out_ready; // show-ahead-fifo.ts:39
  always @(posedge clk) begin
    if (push) begin
      words[write_address] <= in_payload; // show-ahead-fifo.ts:45
      write_address <= (write_address == 3'd4) ? 3'd0 : write_address + 3'd1; // show-ahead-fifo.ts:46
    end
    if (pop) begin
      read_address <= (read_address == 3'd4) ? 3'd0 : read_address + 3'd1; // show-ahead-fifo.ts:48
    end
    if (push & ~pop) begin
      used <= used + 3'd1; // show-ahead-fifo.ts:49
    end else if (pop & ~push) begin
      used <= used - 3'd1; // show-ahead-fifo.ts:50
    end
    if (rst) begin
      write_address <= 3'd0;
      read_address <= 3'd0;
      used <= 3'd0;
    end
  end
endmodule
