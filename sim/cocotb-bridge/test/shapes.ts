import { Bundle, bool, input, Module, output, reg, sint, states, stream, uint, vec, when } from '@hdl/ts-hdl';

const Colour = states('Red', 'Green', 'Blue');

class Point extends Bundle({ x: sint(6), y: sint(6) }) {}
class Item extends Bundle({ colour: Colour, path: vec(3, Point), weights: vec(2, uint(5)), from: uint(70), field: sint(3) }) {}

/** In Python a name of its own, as the module's is taken. */
const Shape = class Shapes extends Bundle({ corners: uint(4) }) {};

/** Every kind of port that there is, each led from an input to an output of the same kind. */
export class Shapes extends Module {
  readonly items = input(stream(Item));
  readonly items_out = output(stream(Item));
  readonly lanes = input(vec(2, stream(uint(9))));
  readonly lanes_out = output(vec(2, stream(sint(9))));
  readonly point = input(Point);
  readonly point_out = output(Point);
  readonly flag = input(bool);
  readonly flag_out = output(bool);
  readonly start = input(stream(Shape));
  readonly shapes = output(stream(Shape));
  private readonly held = reg(Point, { init: { x: 0, y: 0 } });

  protected override logic() {
    this.items_out.from(this.items);
    this.lanes.forEach((lane, i) => {
      const out = this.lanes_out[i];
      if (!out) throw new RangeError('there are as many outputs as inputs');
      out.valid.set(lane.valid);
      out.put(lane.payload.asSInt());
      lane.ready.set(out.ready);
    });
    when(this.flag, () => this.held.set(this.point));
    this.point_out.set(this.held);
    this.flag_out.set(this.flag);
    this.shapes.from(this.start);
  }
}
