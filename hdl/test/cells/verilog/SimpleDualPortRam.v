module SimpleDualPortRam ( // ram.ts:29
  input clk,
  input write_enable,
  input [3:0] write_address,
  input [7:0] write_data,
  input read_enable,
  input [3:0] read_address,
  output [7:0] read_data
);
  (* ram_style = "block" *)
  reg [7:0] words [0:15]; // ram.ts:95
  reg [7:0] words_word; // ram.ts:50
  assign read_data = words_word; // ram.ts:50
  always @(posedge clk) begin
    if (write_enable) begin
      words[write_address] <= write_data; // ram.ts:49
    end
    if (read_enable) begin
      words_word <= words[read_address]; // ram.ts:50
    end
  end
endmodule
