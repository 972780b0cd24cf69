import { blockDevice, Endpoint, Switch } from '@hdl/pcie-rtl';
import {
  connect,
  Fifo,
  ForwardRegister,
  input,
  Module,
  output,
  PacketArbiter,
  PacketFifo,
  RegisterSlice,
  stream,
  vec,
} from '@hdl/ts-hdl';
import { type Block, beat, width } from './block.ts';
import { layerBlocks } from './layer-blocks.ts';

const device = { vendor_id: 0x1d1d, device_id: 0xe000, class_code: 0x01_80_00, memory_bytes: 65_536, max_payload: 512 };

/** A packet arbiter between registers, so that its whole path lies between two registers and is timed. 2 cycles of latency. */
class RegisteredArbiter extends Module<{ readonly n: number }> {
  readonly in = input(vec(this.p.n, stream(beat)));
  readonly out = output(stream(beat));
  private readonly slices = Array.from({ length: this.p.n }, () => new ForwardRegister({ type: beat }));
  private readonly arbiter = new PacketArbiter({ n: this.p.n, type: beat });
  private readonly out_slice = new RegisterSlice({ type: beat });

  protected override logic() {
    this.slices.forEach((slice, i) => {
      const source = this.in[i];
      if (source) connect(slice, { in: source });
    });
    connect(this.arbiter, { in: this.slices.map(slice => slice.out) });
    connect(this.out_slice, { in: this.arbiter.out });
    this.out.from(this.out_slice.out);
  }
}

/** What `npm run synth` measures, small ones first within a kind. */
export const blocks: readonly Block[] = [
  { name: 'fifo-256', what: 'Fifo of 256 beats in block RAM', create: () => new Fifo({ type: beat, depth: 256 }) },
  { name: 'packet-fifo-256', what: 'PacketFifo of 256 beats', create: () => new PacketFifo({ type: beat, depth: 256 }) },
  {
    name: 'packet-arbiter-4',
    what: 'PacketArbiter of 4, combinational: only its area counts',
    create: () => new PacketArbiter({ n: 4, type: beat }),
  },
  {
    name: 'registered-arbiter-4',
    what: 'the same between a ForwardRegister per input and a RegisterSlice at the output: 2 cycles',
    create: () => new RegisteredArbiter({ n: 4 }),
  },
  ...layerBlocks,
  {
    name: 'endpoint',
    what: 'Endpoint: a block device with 64 KiB, 32 tags, MPS 512',
    layout: 'static',
    create: () => new Endpoint(blockDevice(device, { width, tags: 32 })),
  },
  {
    name: 'switch-4',
    what: 'Switch, upstream and 3 downstream ports',
    layout: 'static',
    mapping: 'abc',
    create: () => new Switch({ width, ports: 3, vendor_id: 0x1d1d, device_id: 0xe001 }),
  },
  {
    name: 'switch-8',
    what: 'Switch, upstream and 7 downstream ports',
    layout: 'static',
    mapping: 'abc',
    create: () => new Switch({ width, ports: 7, vendor_id: 0x1d1d, device_id: 0xe001 }),
  },
];
