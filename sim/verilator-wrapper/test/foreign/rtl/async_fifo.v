`include "bridge_defs.vh"

// Dual clock FIFO with Gray coded pointers.  Show ahead: rdata is valid while rempty is low.
module async_fifo
  #(parameter DSIZE = 8,
    parameter ASIZE = 3)
   (input              wclk, wrst_n, winc,
    input  [DSIZE-1:0] wdata,
    output             wfull,
    input              rclk, rrst_n, rinc,
    output [DSIZE-1:0] rdata,
    output             rempty);

   localparam DEPTH = 1 << ASIZE;

   reg  [DSIZE-1:0] mem [0:DEPTH-1];
   reg  [ASIZE:0]   wbin, wptr, rbin, rptr;
   wire [ASIZE:0]   wbinnext  = wbin + (winc & ~wfull);
   wire [ASIZE:0]   rbinnext  = rbin + (rinc & ~rempty);
   wire [ASIZE:0]   wq2_rptr, rq2_wptr;

   sync_2ff #(.W(ASIZE+1)) u_r2w (.clk(wclk), .rst_n(wrst_n), .d(rptr), .q(wq2_rptr));
   sync_2ff #(.W(ASIZE+1)) u_w2r (.clk(rclk), .rst_n(rrst_n), .d(wptr), .q(rq2_wptr));

   assign wfull  = wptr == {~wq2_rptr[ASIZE:ASIZE-1], wq2_rptr[ASIZE-2:0]};
   assign rempty = rptr == rq2_wptr;
   assign rdata  = mem[rbin[ASIZE-1:0]];

   always @(posedge wclk)
     if (winc && !wfull) mem[wbin[ASIZE-1:0]] <= wdata;

   always @(posedge wclk or negedge wrst_n)
     if (!wrst_n) {wbin, wptr} <= 0;
     else         {wbin, wptr} <= {wbinnext, `BIN2GRAY(wbinnext)};

   always @(posedge rclk or negedge rrst_n)
     if (!rrst_n) {rbin, rptr} <= 0;
     else         {rbin, rptr} <= {rbinnext, `BIN2GRAY(rbinnext)};

endmodule
