module SimpleDualPortRam ( // ram.ts:29
  input clk,
  input [3:0] write_enable,
  input [3:0] write_address,
  input [31:0] write_data,
  input read_enable,
  input [3:0] read_address,
  output [31:0] read_data
);
  (* ram_style = "block" *)
  reg [31:0] words [0:11]; // ram.ts:95
  reg [3:0] words_address; // ram.ts:50
  integer lane;
  assign read_data = (words_address < 4'd12) ? words[words_address] : 32'd0; // ram.ts:50
  always @(posedge clk) begin
    if (write_address < 4'd12) begin
      for (lane = 0; lane < 4; lane = lane + 1) begin
        if (write_enable[lane]) begin
          words[write_address][lane * 8 +: 8] <= write_data[lane * 8 +: 8]; // ram.ts:49
        end
      end
    end
    if (read_enable) begin
      words_address <= read_address; // ram.ts:50
    end
  end
endmodule
