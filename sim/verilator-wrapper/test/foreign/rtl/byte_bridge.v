`include "bridge_defs.vh"

// Words come in on clk_wr; they leave byte by byte on clk_rd, with a CRC-8 over all that left.
module byte_bridge
  #(parameter BYTES = 4,
    parameter ASIZE = 2)
   (input                clk_wr, rst_wr_n,
    input  [8*BYTES-1:0] data_in,
    input                valid_in,
    output               ready_in,

    input                clk_rd, rst_rd_n,
    output [7:0]         data_out,
    output               valid_out,
    input                ready_out,
    output [7:0]         crc,
    output reg [15:0]    sent,
    output               pad_out);

   wire               full, empty;
   wire [8*BYTES-1:0] word;
   reg  [7:0]         lane;
   wire               take = valid_out & ready_out;
   wire               last = lane == BYTES - 1;

   assign ready_in  = ~full;
   assign valid_out = ~empty;
   assign data_out  = word >> (8 * lane);

   async_fifo #(.DSIZE(8*BYTES), .ASIZE(ASIZE)) u_fifo
     (.wclk(clk_wr), .wrst_n(rst_wr_n), .winc(valid_in), .wdata(data_in), .wfull(full),
      .rclk(clk_rd), .rrst_n(rst_rd_n), .rinc(take & last), .rdata(word), .rempty(empty));

   crc8 u_crc (.clk(clk_rd), .rst_n(rst_rd_n), .en(take), .data(data_out), .crc(crc));

   // A cell of the foundry: only its shell is known here.
   VENDOR_PAD u_pad (.I(crc[0]), .PAD(pad_out));

   always @(posedge clk_rd or negedge rst_rd_n)
     if (!rst_rd_n) begin
        lane <= 0;
        sent <= 0;
     end else if (take) begin
        lane <= last ? 8'd0 : lane + 8'd1;
        sent <= sent + 16'd1;
        if (sent == 16'd5000) begin
           $display("byte_bridge: more bytes than anybody wants");
           $finish;
        end
     end

endmodule
