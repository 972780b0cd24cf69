module PacketTracker ( // packet-tracker.ts:11
  input clk,
  input rst,
  input word,
  input last,
  output first,
  output [2:0] index
);
  reg under_way; // packet-tracker.ts:25
  reg [2:0] position; // packet-tracker.ts:26
  assign first = ~under_way; // packet-tracker.ts:29
  assign index = position; // packet-tracker.ts:30
  always @(posedge clk) begin
    if (word) begin
      under_way <= ~last; // packet-tracker.ts:32
      position <= last ? 3'd0 : position + 3'd1; // packet-tracker.ts:33
    end
    if (rst) begin
      under_way <= 1'b0;
      position <= 3'd0;
    end
  end
endmodule
