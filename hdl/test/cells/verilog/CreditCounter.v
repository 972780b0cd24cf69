module CreditCounter ( // credit-counter.ts:11
  input clk,
  input rst,
  input initialise,
  input update,
  input [7:0] limit,
  input [7:0] needed,
  input take,
  output enough
);
  reg [7:0] credit_limit; // credit-counter.ts:31
  reg [7:0] consumed; // credit-counter.ts:32
  reg unlimited; // credit-counter.ts:33
  assign enough = unlimited | ((credit_limit - (consumed + needed)) <= 8'd128); // credit-counter.ts:37
  always @(posedge clk) begin
    if (take) begin
      consumed <= consumed + needed; // credit-counter.ts:38
    end
    if (initialise | update) begin
      credit_limit <= limit; // credit-counter.ts:39
    end
    if (initialise) begin
      unlimited <= ~|limit; // credit-counter.ts:40
    end
    if (rst) begin
      credit_limit <= 8'd0;
      consumed <= 8'd0;
      unlimited <= 1'b0;
    end
  end
endmodule
