module PacketDownsizer ( // width-adapters.ts:141
  input clk,
  input rst,
  input [31:0] in_data,
  input [7:0] in_keep,
  input in_last,
  input in_valid,
  output in_ready,
  output [7:0] out_data,
  output [1:0] out_keep,
  output out_last,
  output out_valid,
  input out_ready
);
  reg busy; // width-adapters.ts:160
  reg [31:0] rest_data; // width-adapters.ts:162
  reg [7:0] rest_keep; // width-adapters.ts:162
  reg rest_last; // width-adapters.ts:162
  wire more = |rest_keep[7:2]; // width-adapters.ts:168
  assign in_ready = ~busy | (out_ready & ~more); // width-adapters.ts:169
  assign out_valid = busy; // width-adapters.ts:170
  assign out_data = rest_data[7:0]; // width-adapters.ts:171
  assign out_keep = rest_keep[1:0]; // width-adapters.ts:171
  assign out_last = rest_last & ~more; // width-adapters.ts:171
  always @(posedge clk) begin
    if (in_valid & in_ready) begin
      busy <= 1'b1; // width-adapters.ts:173
      rest_data <= in_data; // width-adapters.ts:174
      rest_keep <= in_keep; // width-adapters.ts:174
      rest_last <= in_last; // width-adapters.ts:174
    end else if (busy & out_ready) begin
      busy <= more; // width-adapters.ts:176
      rest_data <= {8'd0, rest_data[31:8]}; // width-adapters.ts:177
      rest_keep <= {2'd0, rest_keep[7:2]}; // width-adapters.ts:178
    end
    if (rst) begin
      busy <= 1'b0;
    end
  end
endmodule
