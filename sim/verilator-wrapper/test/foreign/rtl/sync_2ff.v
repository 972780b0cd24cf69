module sync_2ff
  #(parameter W = 1)
   (input              clk,
    input              rst_n,
    input      [W-1:0] d,
    output reg [W-1:0] q);

   reg [W-1:0] meta;

   always @(posedge clk or negedge rst_n)
     if (!rst_n) {q, meta} <= {(2*W){1'b0}};
     else        {q, meta} <= {meta, d};

endmodule
