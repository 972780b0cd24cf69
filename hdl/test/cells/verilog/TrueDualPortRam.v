module TrueDualPortRam ( // ram.ts:58
  input clk,
  input a_enable,
  input [1:0] a_write_enable,
  input [2:0] a_address,
  input [15:0] a_write_data,
  output [15:0] a_read_data,
  input b_enable,
  input [1:0] b_write_enable,
  input [2:0] b_address,
  input [15:0] b_write_data,
  output [15:0] b_read_data
);
  (* ram_style = "block" *)
  reg [15:0] words [0:7]; // ram.ts:95
  reg [15:0] words_word; // ram.ts:89
  reg [15:0] words_word_1; // ram.ts:90
  integer lane;
  assign a_read_data = words_word; // ram.ts:89
  assign b_read_data = words_word_1; // ram.ts:90
  always @(posedge clk) begin
    if (a_enable) begin
      for (lane = 0; lane < 2; lane = lane + 1) begin
        if (a_write_enable[lane]) begin
          words[a_address][lane * 8 +: 8] <= a_write_data[lane * 8 +: 8]; // ram.ts:84
        end
      end
    end
    if (b_enable) begin
      for (lane = 0; lane < 2; lane = lane + 1) begin
        if (b_write_enable[lane]) begin
          words[b_address][lane * 8 +: 8] <= b_write_data[lane * 8 +: 8]; // ram.ts:87
        end
      end
    end
    if (a_enable) begin
      words_word <= words[a_address]; // ram.ts:89
    end
    if (b_enable) begin
      words_word_1 <= words[b_address]; // ram.ts:90
    end
  end
endmodule
