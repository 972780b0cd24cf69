import { expect, test } from 'vitest';
import { verilateVerilog } from '../src/index.ts';

/** Correct Verilog on which an optimisation of Verilator 5.048 ends with an internal error: a random design, made as small as the error lets it. */
const text = `
module Top (
  input clk,
  input other_clk,
  input [0:0] in0,
  output out19
);
  reg [7:0] mem7 [0:5];
  reg [4:0] reg2;
  reg [0:0] reg4;
  reg reg6;
  wire [8:0] wire9;
  wire [1:0] wire10;
  assign wire9 = {8'd0, reg4[0] >> in0};
  assign wire10 = {1'b0, reg6};
  assign out19 = reg6;
  wire [2:0] reg4_1 = {2'd0, reg4[0] >> in0};
  always @(posedge clk) begin
    case (wire10)
      2'd3: begin
        if (reg4[0] >> in0) begin
          mem7[reg2[2:0]][5:4] <= mem7[3'd0][5:4];
          case (reg4_1)
            3'd4: begin
              reg4[0] <= wire9[0];
            end
            default: ;
          endcase
        end
      end
      default: begin
        reg4 <= reg4;
      end
    endcase
  end
  always @(posedge other_clk) begin
    case (wire10)
      2'd3: begin
        if (reg4[0] >> in0) begin
          case (reg4_1)
            3'd5: begin
              reg6 <= 1'b1;
            end
            default: ;
          endcase
        end
      end
      default: ;
    endcase
  end
endmodule
`;

test('what an optimisation of Verilator cannot do is built without it', () => {
  using model = verilateVerilog({
    top: 'Top',
    sources: [{ name: 'Top.v', text }],
    clocks: { clk: { period: 1 }, other_clk: { period: 2 } },
  });
  model.step(3);
  expect([model.cycle, model.ports.get('out19')?.words[0]]).toEqual([3, 0]);
});

test('shifts of shifts that are longer than the width of one of them give 0, which Verilator 5.048 forgets', () => {
  const shifts = `
module Top (input a, input [2:0] b, output right, output [2:0] left);
  assign right = (a >> a) >> {5'd0, a};
  assign left = (3'd7 << b) << b;
endmodule
`;
  using model = verilateVerilog({ top: 'Top', sources: [{ name: 'Top.v', text: shifts }] });
  const port = (name: string) => {
    const found = model.ports.get(name);
    if (!found) throw new RangeError(name);
    return found.words;
  };
  port('a')[0] = 1;
  port('b')[0] = 4;
  model.settle();
  expect([port('right')[0], port('left')[0]]).toEqual([0, 0]);
});
