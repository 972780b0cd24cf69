import { BarMemory, Completer, Endpoint, EndpointConfigSpace, PostedWriter, RequestRouter, Switch, tlpBeat } from '@hdl/pcie-rtl';
import { connect, Fifo, input, Module, output, PacketArbiter, PacketFifo, RegisterSlice, stream, vec } from '@hdl/ts-hdl';
// Inner blocks of the endpoint, which the package does not export.
import { ReadDma } from '../../../rtl/src/endpoint/read-dma.ts';
import { WriteDma } from '../../../rtl/src/endpoint/write-dma.ts';

/** A design whose size and speed are measured. */
export interface Block {
  /** As `--blocks` and the reports name it. */
  readonly name: string;
  /** What it is and with which parameters, for the table. */
  readonly what: string;
  readonly create: () => Module<never> | Module<unknown>;
}

/** Bits of a beat in all blocks. */
const width = 256;
const beat = tlpBeat(width);
const address_width = 11;
const device = { vendor_id: 0x1d1d, device_id: 0xe000, class_code: 0x01_80_00 };
const memory_bytes = 65_536;

/** A packet arbiter between registers, so that its whole path lies between two registers and is timed. */
class RegisteredArbiter extends Module<{ readonly n: number }> {
  readonly in = input(vec(this.p.n, stream(beat)));
  readonly out = output(stream(beat));
  private readonly slices = Array.from({ length: this.p.n }, () => new RegisterSlice({ type: beat }));
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
    what: 'the same between a RegisterSlice per input and one at the output',
    create: () => new RegisteredArbiter({ n: 4 }),
  },
  {
    name: 'config-space',
    what: 'EndpointConfigSpace',
    create: () => new EndpointConfigSpace({ ...device, memory_bytes, max_payload: 512 }),
  },
  {
    name: 'request-router',
    what: 'RequestRouter, 64 requests',
    create: () => new RequestRouter({ width, request_depth: 64, bar0_bytes: 65_536, bar2_bytes: memory_bytes }),
  },
  { name: 'posted-writer', what: 'PostedWriter', create: () => new PostedWriter({ width, address_width }) },
  { name: 'completer', what: 'Completer', create: () => new Completer({ width, address_width }) },
  {
    name: 'bar-memory',
    what: 'BarMemory of 64 KiB, 3 writers, 3 readers',
    create: () => new BarMemory({ width, bytes: memory_bytes, writers: 3, readers: 3 }),
  },
  { name: 'write-dma', what: 'WriteDma, MPS 512', create: () => new WriteDma({ width, address_width, max_payload: 512 }) },
  { name: 'read-dma-32', what: 'ReadDma, 32 tags', create: () => new ReadDma({ width, address_width, tags: 32 }) },
  { name: 'read-dma', what: 'ReadDma, 256 tags of 512 bytes', create: () => new ReadDma({ width, address_width, tags: 256 }) },
  {
    name: 'endpoint',
    what: 'Endpoint with 64 KiB, 32 tags, 64 requests, MPS 512',
    create: () => new Endpoint({ ...device, width, memory_bytes, tags: 32, request_depth: 64, max_payload: 512 }),
  },
  {
    name: 'switch-4',
    what: 'Switch, upstream and 3 downstream ports',
    create: () => new Switch({ width, ports: 3, vendor_id: 0x1d1d, device_id: 0xe001 }),
  },
  {
    name: 'switch-8',
    what: 'Switch, upstream and 7 downstream ports',
    create: () => new Switch({ width, ports: 7, vendor_id: 0x1d1d, device_id: 0xe001 }),
  },
];
