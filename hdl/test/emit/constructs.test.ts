import { expect, test } from 'vitest';
import { emitText, emitVerilog } from '../../src/emit/verilog.ts';
import { elaborate, type Module } from '../../src/index.ts';
import { diagnose, shareModules } from '../../src/passes/index.ts';
import { Assembled, Chosen, Observed, Placed, Synchroniser, Tables, TwoClocks, Watched } from './constructs.ts';

function verilog(make: () => Module<never> | Module<unknown>): string {
  const design = shareModules(elaborate(make).design);
  expect(diagnose(design).filter(d => d.severity === 'error')).toEqual([]);
  return emitText(design);
}

test('two clocks: a block for each, with the kind of its reset; registers without init stand apart from an asynchronous one', () => {
  expect(verilog(() => new TwoClocks())).toMatchInlineSnapshot(`
    "module Synchroniser ( // constructs.ts:29
      input clk,
      input to_rst,
      input in,
      output out
    );
      (* ASYNC_REG = "TRUE" *)
      reg stage; // constructs.ts:33
      reg held; // constructs.ts:34
      assign out = held; // constructs.ts:39
      always @(posedge clk or posedge to_rst) begin
        if (to_rst) begin
          held <= 1'b0;
        end else begin
          held <= stage; // constructs.ts:38
        end
      end
      always @(posedge clk) begin
        stage <= in; // constructs.ts:37
      end
    endmodule

    module TwoClocks ( // constructs.ts:44
      input wr_clk,
      input wr_rst_n,
      input rd_clk,
      input rd_rst,
      input [7:0] data,
      input [1:0] address,
      input go,
      output [7:0] word,
      output [3:0] count,
      output seen
    );
      reg [7:0] words [0:3]; // constructs.ts:53
      reg [1:0] position; // constructs.ts:54
      reg [3:0] taken; // constructs.ts:55
      reg [7:0] words_word; // constructs.ts:64
      assign word = words_word; // constructs.ts:64
      assign count = taken; // constructs.ts:67
      Synchroniser synchroniser ( // constructs.ts:56
        .clk(rd_clk),
        .to_rst(rd_rst),
        .in(position[1]),
        .out(seen)
      );
      always @(posedge wr_clk) begin
        words[position] <= data; // constructs.ts:59
        position <= position + 2'd1; // constructs.ts:60
        if (!wr_rst_n) begin
          position <= 2'd0;
        end
      end
      always @(posedge rd_clk or posedge rd_rst) begin
        if (rd_rst) begin
          taken <= 4'd3;
        end else if (go) begin
          taken <= taken + 4'd1; // constructs.ts:65
        end
      end
      always @(posedge rd_clk) begin
        if (go) begin
          words_word <= words[address]; // constructs.ts:64
        end
      end
    endmodule
    "
  `);
});

test('a crossing register of a module with a synchronous reset', () => {
  expect(verilog(() => new Synchroniser())).toMatchInlineSnapshot(`
    "module Synchroniser ( // constructs.ts:29
      input clk,
      input to_rst,
      input in,
      output out
    );
      (* ASYNC_REG = "TRUE" *)
      reg stage; // constructs.ts:33
      reg held; // constructs.ts:34
      assign out = held; // constructs.ts:39
      always @(posedge clk) begin
        stage <= in; // constructs.ts:37
        held <= stage; // constructs.ts:38
        if (to_rst) begin
          held <= 1'b0;
        end
      end
    endmodule
    "
  `);
});

test('parameters where an instance differs, black boxes with theirs; no file for a black box, nor for what only its model contains', () => {
  const design = shareModules(elaborate(() => new Assembled()).design);
  expect(emitVerilog(design).map(file => file.name)).toEqual(['Limited.v', 'Assembled.v']);
  expect(emitText(design)).toMatchInlineSnapshot(`
    "module Limited #( // constructs.ts:71
      parameter [7:0] limit = 8'd5,
      parameter [0:0] inverted = 1'b0
    ) (
      input [7:0] value,
      output reached
    );
      assign reached = (value >= limit) ^ inverted; // constructs.ts:78
    endmodule

    module Assembled ( // constructs.ts:102
      input clk,
      input [7:0] value,
      output x,
      output y,
      output z
    );
      wire low_reached;
      Limited low ( // constructs.ts:107
        .value(value),
        .reached(low_reached)
      );
      Limited #(.limit(8'd9), .inverted(1'b1)) high ( // constructs.ts:108
        .value(value),
        .reached(x)
      );
      IOBUF #(.DRIVE(12), .SLEW("SLOW")) buffer ( // constructs.ts:109
        .C(clk),
        .i(low_reached),
        .o(y)
      );
      Modelled modelled ( // constructs.ts:110
        .i(value),
        .o(z)
      );
    endmodule
    "
  `);
});

test('parts that a signal chooses: a guard where the index is too wide to drop what lies beyond, a 0 where reads leave the value', () => {
  expect(verilog(() => new Placed())).toMatchInlineSnapshot(`
    "module Placed ( // constructs.ts:124
      input clk,
      input rst,
      input [3:0] i,
      input [5:0] wide,
      input [1:0] k,
      input [3:0] value,
      output [11:0] bits,
      output [11:0] words,
      output reg [15:0] bytes,
      output one,
      output [3:0] word,
      output [7:0] eight
    );
      reg [11:0] by_bit; // constructs.ts:135
      reg [11:0] by_word; // constructs.ts:136
      assign bits = by_bit; // constructs.ts:142
      assign words = by_word; // constructs.ts:143
      always @* begin
        bytes = 16'd0; // constructs.ts:144
        bytes[{k[1], 3'd0} +: 8] = {4'd0, value}; // constructs.ts:145
      end
      assign one = (i < 4'd12) & by_bit[i]; // constructs.ts:146
      assign word = (k < 2'd3) ? by_word[{k, 2'd0} +: 4] : 4'd0; // constructs.ts:147
      assign eight = bytes[{k[0], 3'd0} +: 8]; // constructs.ts:148
      always @(posedge clk) begin
        by_bit[i] <= value[0]; // constructs.ts:139
        if (wide < 6'd12) begin
          by_bit[wide[3:0]] <= 1'b1; // constructs.ts:140
        end
        by_word[{k, 2'd0} +: 4] <= value; // constructs.ts:141
        if (rst) begin
          by_bit <= 12'd0;
        end
      end
    endmodule
    "
  `);
});

test('contents of memories', () => {
  expect(verilog(() => new Tables())).toMatchInlineSnapshot(`
    "module Tables ( // constructs.ts:153
      input clk,
      input [2:0] address,
      input [7:0] data,
      output [7:0] square,
      output [7:0] word
    );
      reg [7:0] squares [0:7]; // constructs.ts:158
      (* ram_style = "block" *)
      reg [7:0] boot [0:7]; // constructs.ts:159
      reg [7:0] boot_word; // constructs.ts:163
      integer word_1;
      initial begin // constructs.ts:158
        squares[0] = 8'd0;
        squares[1] = 8'd1;
        squares[2] = 8'd4;
        squares[3] = 8'd9;
        squares[4] = 8'd16;
        squares[5] = 8'd25;
        squares[6] = 8'd36;
        squares[7] = 8'd49;
      end
      initial begin // constructs.ts:159
        boot[0] = 8'd19;
        boot[1] = 8'd111;
        for (word_1 = 2; word_1 < 8; word_1 = word_1 + 1) begin
          boot[word_1] = 8'd0;
        end
      end
      assign square = squares[address]; // constructs.ts:162
      assign word = boot_word; // constructs.ts:163
      always @(posedge clk) begin
        boot_word <= boot[address]; // constructs.ts:163
        boot[address] <= data; // constructs.ts:164
      end
    endmodule
    "
  `);
});

test('properties and log lines', () => {
  expect(verilog(() => new Observed())).toMatchInlineSnapshot(`
    "module Observed ( // constructs.ts:171
      input clk,
      input rst,
      input en,
      input [3:0] delta,
      output [3:0] count
    );
      localparam [1:0] Idle = 2'd0, Run = 2'd1, Drain = 2'd2;
      reg [3:0] value; // constructs.ts:175
      reg [3:0] shadow; // constructs.ts:176
      reg [1:0] phase; // constructs.ts:177
      assign count = value; // constructs.ts:196
      wire full = value == 4'd12; // constructs.ts:180
      always @(posedge clk) begin
        if (en & ~full) begin
          value <= value + 4'd1; // constructs.ts:181
        end
        shadow <= value; // constructs.ts:182
        case (phase)
          Idle: phase <= Run; // constructs.ts:184
          Run: begin
            if (en) begin
              phase <= Drain; // constructs.ts:186
            end
          end
          default: ;
        endcase
        if (rst) begin
          value <= 4'd0;
          shadow <= 4'd0;
          phase <= Idle;
        end
      end
      wire _unused = &{1'b0, delta, shadow};
    \`ifdef FORMAL
      wire [3:0] assert_difference = shadow - value; // constructs.ts:194
      initial assume (rst);
      always @(posedge clk) begin
        if (!rst) begin
          case (phase)
            Run: begin
              assume (en | (|value)); // something runs constructs.ts:187
            end
            default: ;
          endcase
          assert (value <= 4'd12); // never above the limit constructs.ts:191
          if (en) begin
            cover (full); // the limit is reached constructs.ts:193
            assert (assert_difference[2:1] != 2'd2); // the shadow follows constructs.ts:194
          end
        end
      end
      wire _unused_1 = &{1'b0, assert_difference[3], assert_difference[0]};
    \`else
    \`ifndef SYNTHESIS
      wire [3:0] assert_difference = shadow - value; // constructs.ts:194
      function [39:0] state_name;
        input [1:0] state;
        case (state)
          2'd0: state_name = {8'd0, "Idle"};
          2'd1: state_name = {16'd0, "Run"};
          2'd2: state_name = "Drain";
          default: state_name = {32'd0, "?"};
        endcase
      endfunction
      always @(posedge clk) begin
        if (!rst) begin
          case (phase)
            Run: begin
              if (~(en | (|value))) begin // constructs.ts:187
                $display("%m: something runs (constructs.ts:187)");
                $stop;
              end
            end
            Drain: begin
              $display("drained at %0d, 100%% of %h in %0s, \\"delta\\" %0d", value, shadow, state_name(phase),
                  $signed(delta)); // constructs.ts:189
            end
            default: ;
          endcase
          if (value > 4'd12) begin // constructs.ts:191
            $display("%m: never above the limit (constructs.ts:191)");
            $stop;
          end
          if (en) begin
            if (assert_difference[2:1] == 2'd2) begin // constructs.ts:194
              $display("%m: the shadow follows (constructs.ts:194)");
              $stop;
            end
          end
        end
      end
      wire _unused_2 = &{1'b0, assert_difference[3], assert_difference[0]};
    \`endif
    \`endif
    endmodule
    "
  `);
});

test('properties beside an asynchronous reset', () => {
  expect(verilog(() => new Watched())).toMatchInlineSnapshot(`
    "module Watched ( // constructs.ts:201
      input clk,
      input rst_n,
      input en,
      output busy
    );
      reg running; // constructs.ts:205
      assign busy = running; // constructs.ts:211
      always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
          running <= 1'b0;
        end else begin
          running <= en; // constructs.ts:208
        end
      end
    \`ifdef FORMAL
      initial assume (!rst_n);
      always @(posedge clk) begin
        if (rst_n) begin
          assert (~(running | en)); // quiet constructs.ts:209
        end
      end
    \`else
    \`ifndef SYNTHESIS
      always @(posedge clk or negedge rst_n) begin
        if (rst_n) begin
          if (running | en) begin // constructs.ts:209
            $display("%m: quiet (constructs.ts:209)");
            $stop;
          end
          $display("running %0d", running); // constructs.ts:210
        end
      end
    \`endif
    \`endif
    endmodule
    "
  `);
});

test('without simulation code, what formal tools read stays, and the hardware is the same', () => {
  const design = shareModules(elaborate(() => new Observed()).design);
  const [whole = '', bare = ''] = [emitText(design), emitText(design, { simulation: false })];
  expect(bare).not.toMatch(/\$display|\$stop|SYNTHESIS/);
  expect(bare).toContain('`ifdef FORMAL');
  expect(bare.slice(0, bare.indexOf('`'))).toBe(whole.slice(0, whole.indexOf('`')));
});

test('what a parameter chooses is an assign: a block that reads nothing else would never run under Icarus', () => {
  const text = verilog(() => new Chosen({ fast: true }));
  expect(text).not.toContain('always');
  expect(text).toContain("  assign delay = fast ? 4'd2 : 4'd9;");
  expect(text).toContain("  assign picked = fast ? value : 8'd0;");
});
